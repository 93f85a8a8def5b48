// What the commands need to know: from the environment, else of what `npm start` keeps in this folder.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Configuration, readSettings } from '../runtime/configuration';
import { PACKAGE_ROOT } from '../runtime/package-root';
import { openSignedStore, type SignedStore } from '../runtime/signed-store';

export interface BackupStore {
  url: string;
  backups: SignedStore;
}

/** Needs nothing that runs. Throws a ConfigurationError. */
export function openBackupStore(env: NodeJS.ProcessEnv = process.env, root = PACKAGE_ROOT): BackupStore {
  const kept = env.DATABASE_URL ? {} : keptHere(root);
  const settings = readSettings(['BACKUP_URL', 'SECRET_KEY'], { ...kept, ...set(env) }) as Pick<
    Configuration,
    'BACKUP_URL' | 'SECRET_KEY'
  >;
  return { url: settings.BACKUP_URL, backups: openSignedStore(settings) };
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
