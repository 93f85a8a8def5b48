// A host of a test's own that can back up and restore: a cluster whose log is archived by pgBackRest, migrated, and a place
// for its backups.
import { chmodSync } from 'node:fs';
import { findPgBackRest } from '../../ops/local/binaries/pgbackrest';
import { ensureDatabase, migrate } from '../../ops/local/database';
import { startPostgres } from '../../ops/local/postgres';
import { archiveCommand } from '../../ops/pgbackrest/pgbackrest';
import { findRecoveryTools, type RecoveryTools } from '../../ops/recovery/tools';
import { readConfiguration } from '../../ops/runtime/configuration';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { newFolder, testEnvironment } from './environment';
import { OwnServer } from './own-server';
import type { Environment } from './processes';

export interface RecoveryHost {
  server: OwnServer;
  environment: Environment;
  tools: RecoveryTools;
}

interface HostOptions {
  /** What stands in place of the archive command, asked at each start of PostgreSQL. */
  archive?: (command: string) => string;
  migrated?: boolean;
}

/** @param given for instance BACKUP_URL and AWS_* of an S3 server */
export async function startRecoveryHost(
  given: Partial<Environment> = {},
  { archive = (command) => command, migrated = true }: HostOptions = {},
): Promise<RecoveryHost> {
  const program = await findPgBackRest();
  if (!program) throw new Error('pgBackRest is not installed');
  const server = await OwnServer.start((options) => {
    // Passed through by the cluster's own user.
    chmodSync(options.folder, 0o711);
    return startPostgres({ ...options, archiveCommand: archive(archiveCommand(program, options.folder)) });
  }, 'cluster');
  const databaseUrl = await ensureDatabase(server.url);
  if (migrated) await migrate(PACKAGE_ROOT, databaseUrl);
  const backup = newFolder('backup');
  const environment = await testEnvironment({
    DATABASE_URL: databaseUrl,
    TEMPORAL_NAMESPACE: 'default',
    SMTP_URL: 'smtp://127.0.0.1:1',
    BACKUP_URL: `file://${backup}`,
    BACKUP_PASSPHRASE: 'a passphrase for the backups of the tests',
    POSTGRES_HOME: server.folder,
    ...(given as Environment),
  });
  // pgBackRest reads the same AWS_* variables that the SDK reads.
  Object.assign(process.env, Object.fromEntries(Object.entries(given).filter(([name]) => name.startsWith('AWS_'))));
  const found = await findRecoveryTools(readConfiguration(environment));
  if (!found.tools) throw new Error(found.missing);
  return { server, environment, tools: found.tools };
}
