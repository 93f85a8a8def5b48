// Secrets made for this installation at its first start, and kept; one in the environment wins.
import { randomBytes } from 'node:crypto';
import type { Home } from './home';
import { readKeptJson, writeKept } from './kept-file';

export interface KeptSettings {
  ADMIN_PASSWORD: string;
  SECRET_KEY: string;
  BACKUP_PASSPHRASE: string;
}

/** @param given for an installation that comes back from its backups: its own secrets, which no backup holds */
export function keepSettings(home: Home, given: NodeJS.ProcessEnv = {}): KeptSettings {
  const file = home.file('settings.json');
  const kept = readKeptJson<Partial<KeptSettings>>(file) ?? {};
  const settings = {
    ADMIN_PASSWORD: kept.ADMIN_PASSWORD ?? given.ADMIN_PASSWORD ?? randomBytes(24).toString('base64url'),
    SECRET_KEY: kept.SECRET_KEY ?? given.SECRET_KEY ?? randomBytes(32).toString('base64'),
    BACKUP_PASSPHRASE: kept.BACKUP_PASSPHRASE ?? given.BACKUP_PASSPHRASE ?? randomBytes(48).toString('base64'),
  };
  const text = `${JSON.stringify(settings, null, 2)}\n`;
  if (text !== `${JSON.stringify(kept, null, 2)}\n`) writeKept(file, text);
  return settings;
}
