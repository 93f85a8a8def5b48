// The settings as a backup keeps them: enough to set up another machine, and no secret.
import type { Configuration } from '../../ops/runtime/configuration';
import { parseUrl } from '../../ops/runtime/parse-url';
import type { FileIndex } from './file-index';

const SECRETS = ['ADMIN_PASSWORD', 'SECRET_KEY', 'BACKUP_PASSPHRASE', 'HUBSPOT_ACCESS_TOKEN', 'SENTRY_DSN'];

export function withoutSecrets(settings: Configuration): FileIndex['configuration'] {
  const kept = Object.entries(settings).filter(([name, value]) => !SECRETS.includes(name) && value !== undefined);
  return Object.fromEntries(
    kept.map(([name, value]) => [name, typeof value === 'string' ? withoutCredentials(value) : (value as number)]),
  );
}

/** A query may hold a password too. */
function withoutCredentials(value: string): string {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? parseUrl(value) : null;
  if (!url) return value;
  [url.username, url.password, url.search] = ['', '', ''];
  return url.href;
}
