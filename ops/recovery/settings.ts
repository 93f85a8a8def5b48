// What the commands need to know: from the environment, else of what `npm start` keeps in this folder.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Configuration, readSettings } from '../runtime/configuration';
import { type ObjectStore, openObjectStore } from '../runtime/object-store';
import { PACKAGE_ROOT } from '../runtime/package-root';
import { createSigner, type Signer } from '../runtime/signing';

export interface BackupStore {
  url: string;
  backups: ObjectStore;
  signer: Signer;
}

/** Needs nothing that runs. Throws a ConfigurationError. */
export function openBackupStore(env: NodeJS.ProcessEnv = process.env, root = PACKAGE_ROOT): BackupStore {
  const kept = env.DATABASE_URL ? {} : keptHere(root);
  const { BACKUP_URL: url, SECRET_KEY } = readSettings(['BACKUP_URL', 'SECRET_KEY'], { ...kept, ...set(env) }) as Pick<
    Configuration,
    'BACKUP_URL' | 'SECRET_KEY'
  >;
  return { url, backups: openObjectStore(url), signer: createSigner(SECRET_KEY, 'backups') };
}

function keptHere(root: string): NodeJS.ProcessEnv {
  const folder = join(root, '.countersign');
  const { SECRET_KEY } = readJson(join(folder, 'settings.json'));
  return existsSync(folder) ? { SECRET_KEY, BACKUP_URL: `file://${encodeURI(join(folder, 'backups'))}` } : {};
}

export function readJson(file: string): Record<string, string | undefined> {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
}

const set = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
