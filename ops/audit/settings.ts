// What the tools of the audit trail need to know: from the environment, else of what `npm start` runs in this folder.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Configuration, readSettings } from '../runtime/configuration';
import { PACKAGE_ROOT } from '../runtime/package-root';

const NEEDED = ['DATABASE_URL', 'BACKUP_URL', 'SECRET_KEY'] as const;

export type AuditSettings = Pick<Configuration, (typeof NEEDED)[number]>;

/** Throws a ConfigurationError. */
export function readAuditSettings(env: NodeJS.ProcessEnv = process.env, root = PACKAGE_ROOT): AuditSettings {
  return readSettings([...NEEDED], env.DATABASE_URL ? env : { ...localSettings(root), ...env });
}

/** The keys alone, where there are any. */
export function findSecretKeys(env: NodeJS.ProcessEnv = process.env): Buffer[] | null {
  return env.SECRET_KEY ? readSettings(['SECRET_KEY'], env).SECRET_KEY : null;
}

function localSettings(root: string): NodeJS.ProcessEnv {
  const folder = join(root, '.countersign');
  const read = (name: string): Record<string, string> => {
    try {
      return JSON.parse(readFileSync(join(folder, name), 'utf8'));
    } catch {
      return {};
    }
  };
  const { database } = read('runtime.json');
  const { SECRET_KEY } = read('settings.json');
  const backups = `file://${encodeURI(join(folder, 'backups'))}`;
  return database ? { DATABASE_URL: database, SECRET_KEY, BACKUP_URL: backups } : {};
}
