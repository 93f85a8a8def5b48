// What a host needs to back up and restore: the database's clusters, pgBackRest, and the place where backups lie.
import { createEncryption, type Encryption } from '../../activities/backup/encryption';
import { findPgBackRest, HOW_TO_GET_IT } from '../local/binaries/pgbackrest';
import { type ClusterHost, findClusterHost } from '../pgbackrest/cluster-host';
import { createPgBackRest, type PgBackRest } from '../pgbackrest/pgbackrest';
import { repositoryOptions } from '../pgbackrest/repository';
import type { Configuration } from '../runtime/configuration';
import { type ObjectStore, openObjectStore } from '../runtime/object-store';
import { createSigner, type Signer } from '../runtime/signing';

export interface RecoveryTools {
  settings: Configuration;
  host: ClusterHost;
  pgbackrest: PgBackRest;
  /** Below BACKUP_URL. */
  backups: ObjectStore;
  files: ObjectStore;
  /** Signs manifests and reports. */
  signer: Signer;
  encryption: Encryption;
}

export type Recovery = { tools: RecoveryTools } | { tools: null; missing: string };

/** @returns what is missing, in one sentence with the remedy, where this host can't do it */
export async function findRecoveryTools(settings: Configuration): Promise<Recovery> {
  const { POSTGRES_HOME: home, BACKUP_PASSPHRASE: passphrase, BACKUP_URL: url } = settings;
  if (!home) return { tools: null, missing: "POSTGRES_HOME is not set: this host doesn't hold the database's cluster" };
  if (!passphrase) return { tools: null, missing: 'BACKUP_PASSPHRASE is not set: backups are always encrypted' };
  const program = await findPgBackRest();
  if (!program) return { tools: null, missing: `pgBackRest is not installed: ${HOW_TO_GET_IT}` };
  const host = await findClusterHost(home, settings.DATABASE_URL);
  const pgbackrest = createPgBackRest(program, host, repositoryOptions(url, passphrase));
  pgbackrest.configure();
  return {
    tools: {
      settings,
      host,
      pgbackrest,
      backups: openObjectStore(url),
      files: openObjectStore(settings.FILES_URL),
      signer: createSigner(settings.SECRET_KEY, 'backups'),
      encryption: createEncryption(passphrase),
    },
  };
}
