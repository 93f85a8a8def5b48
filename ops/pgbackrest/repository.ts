// Where pgBackRest keeps its repository: below BACKUP_URL, in a folder or in S3, encrypted.
import { fileURLToPath } from 'node:url';

export const STANZA = 'countersign';
/** Below BACKUP_URL. */
export const REPOSITORY = 'pgbackrest';

export type RepositoryOptions = Record<string, string>;

/** The folder of a repository that is one. */
export function repositoryFolder(backupUrl: string): string | null {
  const url = new URL(backupUrl);
  return url.protocol === 'file:' ? `${fileURLToPath(url).replace(/\/+$/, '')}/${REPOSITORY}` : null;
}

export function repositoryOptions(
  backupUrl: string,
  passphrase: string,
  env: NodeJS.ProcessEnv = process.env,
): RepositoryOptions {
  const folder = repositoryFolder(backupUrl);
  const encryption = { 'repo1-cipher-type': 'aes-256-cbc', 'repo1-cipher-pass': passphrase };
  return folder === null
    ? { ...s3Options(new URL(backupUrl), env), ...encryption }
    : { 'repo1-type': 'posix', 'repo1-path': folder, ...encryption };
}

/** The same AWS_* variables that the SDK reads. */
function s3Options(url: URL, env: NodeJS.ProcessEnv): RepositoryOptions {
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1';
  const own = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL;
  const endpoint = own ? new URL(own) : null;
  if (endpoint && endpoint.protocol !== 'https:') {
    throw new TypeError(`pgBackRest speaks to S3 by https only, and AWS_ENDPOINT_URL is ${endpoint.protocol}//…`);
  }
  const prefix = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  return {
    'repo1-type': 's3',
    'repo1-path': `/${prefix ? `${prefix}/` : ''}${REPOSITORY}`,
    'repo1-s3-bucket': url.hostname,
    'repo1-s3-region': region,
    'repo1-s3-endpoint': endpoint?.hostname ?? `s3.${region}.amazonaws.com`,
    ...(endpoint
      ? {
          'repo1-s3-uri-style': 'path',
          'repo1-storage-host': endpoint.hostname,
          'repo1-storage-port': endpoint.port || '443',
        }
      : {}),
    ...(env.AWS_CA_BUNDLE ? { 'repo1-storage-ca-file': env.AWS_CA_BUNDLE } : {}),
    ...credentials(env),
  };
}

function credentials(env: NodeJS.ProcessEnv): RepositoryOptions {
  const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env;
  // Without keys it asks the machine's own role.
  if (!key || !secret) return { 'repo1-s3-key-type': 'auto' };
  return { 'repo1-s3-key': key, 'repo1-s3-key-secret': secret, ...(token ? { 'repo1-s3-token': token } : {}) };
}
