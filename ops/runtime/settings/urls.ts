// Describes settings that are URLs. A fault never repeats a value: it may hold a password.
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse as parseConnectionString } from 'pg-connection-string';
import { z } from 'zod';
import { parseUrl } from '../parse-url';

export const required = (hint: string) => ({ error: `is required: ${hint}` });

type Check = (url: URL, value: string) => string | null;

/** @param checks each says what is wrong, or null; asked in order until one says something */
function url(schemes: string[], ...checks: Check[]) {
  const kind = `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return z.string(required(kind)).check((context) => {
    const fault = faultOf(context.value, kind, schemes, checks);
    if (fault) context.issues.push({ code: 'custom', message: fault, input: undefined });
  });
}

function faultOf(value: string, kind: string, schemes: string[], checks: Check[]): string | null {
  if (!schemes.some((scheme) => value.startsWith(`${scheme}://`))) return `must be ${kind}`;
  const parsed = parseUrl(value);
  if (!parsed) {
    return 'is no well-formed URL: the port is at most 65535, and special characters in a name or password are percent-encoded';
  }
  for (const check of checks) {
    const fault = check(parsed, value);
    if (fault) return fault;
  }
  return null;
}

const namesHost: Check = ({ hostname }) => (hostname ? null : 'must name a host after ://');
const hasRealPort: Check = ({ port }) => (port === '0' ? 'must have a port from 1 to 65535' : null);
const hasNoExtras: Check = ({ search, hash }) => (search || hash ? 'must have nothing after a ? or #' : null);
const hasNoCredentials: Check = ({ username, password }) =>
  username || password ? 'must hold no user name or password' : null;

/** Of a server that others reach over HTTP. A slash at its end is dropped. */
export const webUrl = () =>
  url(['http', 'https'], namesHost, hasRealPort, hasNoCredentials, hasNoExtras).transform((value) =>
    value.replace(/\/+$/, ''),
  );
export const smtpUrl = () => url(['smtp', 'smtps'], namesHost, hasRealPort);
export const redisUrl = () =>
  url(['redis', 'rediss'], namesHost, hasRealPort, ({ pathname }) =>
    /^\/?\d{0,5}$/.test(pathname) ? null : 'must have the number of a database, or nothing, after the host',
  );

/** As Sentry shows it: without the key and the project it would start quietly and report nothing. */
export const sentryDsn = () =>
  url(['http', 'https'], namesHost, hasRealPort, ({ username, pathname }) =>
    username && /\/\d+$/.test(pathname) ? null : 'must be a DSN as Sentry shows it, https://KEY@HOST/PROJECT',
  );

export const databaseUrl = () =>
  url(
    ['postgresql', 'postgres'],
    hasRealPort,
    ({ hostname, searchParams }) => (hostname || searchParams.get('host') ? null : 'must name a host after ://'),
    ({ pathname }) => (/^\/[^/]+$/.test(pathname) ? null : 'must name one database after the host: …/countersign'),
    ({ searchParams }) =>
      searchParams.has('schema')
        ? 'must not hold ?schema=: remove it, and give the role its search_path (ALTER ROLE … SET search_path = …)'
        : null,
    (_url, value) => certificateFault(value),
  );

/** The driver reads the files that `sslrootcert`, `sslcert` and `sslkey` name. */
function certificateFault(value: string): string | null {
  try {
    parseConnectionString(value);
    return null;
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    return path === undefined
      ? 'can not be understood by the PostgreSQL driver: check what follows the ?'
      : `names a certificate or key file that can not be read (${code}): check sslrootcert, sslcert and sslkey`;
  }
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export const storeUrl = () =>
  url(['s3', 'file'], hasNoCredentials, hasNoExtras, (parsed) =>
    parsed.protocol === 's3:' ? bucketFault(parsed) : folderFault(parsed),
  );

function bucketFault({ hostname, port }: URL): string | null {
  if (!BUCKET.test(hostname)) return 'must name a bucket: s3://BUCKET or s3://BUCKET/PREFIX';
  return port ? 'must have no port: a server of your own is AWS_ENDPOINT_URL_S3' : null;
}

/** One that is not there is made when it is first used. */
function folderFault(parsed: URL): string | null {
  const form = 'must be the absolute path of a folder: file:///FOLDER';
  if (parsed.hostname || parsed.pathname === '/') return form;
  try {
    const path = fileURLToPath(parsed);
    return existsSync(path) && !statSync(path).isDirectory() ? 'names a file, and must name a folder' : null;
  } catch {
    return form;
  }
}
