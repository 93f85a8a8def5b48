// Everything the environment can say, read once. `.env.example` and docs/configuration.md list the same names.
import { z } from 'zod';
import { hours, LONGEST_DAYS, LONGEST_TIMER_SECONDS, port, share, whole } from './settings/numbers';
import { AWS_CHECKS, faultsOf, TEMPORAL_CHECKS } from './settings/sdk-settings';
import { folder, host, mailbox, name, paths, proxies, secretKeys, token } from './settings/texts';
import { databaseUrl, redisUrl, required, sentryDsn, smtpUrl, storeUrl, webUrl } from './settings/urls';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const days = (least: number, fallback: number) => whole(least, LONGEST_DAYS, fallback);
const seconds = (least: number, fallback: number) => whole(least, LONGEST_TIMER_SECONDS, fallback);
const CONNECTIONS_AT_MOST = 10_000;

const Environment = z.object({
  DATABASE_URL: databaseUrl(),
  REDIS_URL: redisUrl().optional(),
  SMTP_URL: smtpUrl(),
  MAIL_FROM: mailbox(),
  FILES_URL: storeUrl(),
  BACKUP_URL: storeUrl(),
  ADMIN_PASSWORD: z.string(required('the bootstrap admin token')).min(16, 'must have 16 characters or more'),
  SECRET_KEY: secretKeys(),
  HOST: host(),
  PORT: port(8000),
  METRICS_HOST: host(),
  METRICS_PORT: port(9464),
  WORKER_PORT: port(8001),
  WORKER_METRICS_PORT: port(9465),
  PUBLIC_URL: webUrl().optional(),
  TEMPORAL_UI_URL: webUrl().optional(),
  TEMPORAL_DEPLOYMENT_NAME: name().default('countersign'),
  TEMPORAL_WORKER_BUILD_ID: name().optional(),
  HUBSPOT_ACCESS_TOKEN: token().optional(),
  HUBSPOT_BASE_URL: webUrl().default('https://api.hubapi.com'),
  SENTRY_DSN: sentryDsn().optional(),
  SENTRY_ENVIRONMENT: name().default('production'),
  SENTRY_TRACES_SAMPLE_RATE: share(0),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).default('info'),
  TRUST_PROXY: proxies().optional(),
  CONNECTIONS: whole(1, 1_000_000, 10_000),
  CONNECTIONS_PER_CLIENT: whole(1, 1_000_000, 1_000),
  KEY_REQUESTS_PER_MINUTE: whole(1, 1_000_000_000, 60_000),
  DB_POOL_SIZE: whole(1, CONNECTIONS_AT_MOST, 20),
  DB_POOL_OVERFLOW: whole(0, CONNECTIONS_AT_MOST, 10),
  DB_POOL_TIMEOUT_SECONDS: seconds(1, 30),
  DB_POOL_RECYCLE_SECONDS: seconds(1, 3600),
  DB_STATEMENT_TIMEOUT_SECONDS: whole(1, 3600, 30),
  SHUTDOWN_DRAIN_SECONDS: seconds(0, 30),
  DRAFT_RETENTION_DAYS: days(1, 90),
  AUDIT_RETENTION_DAYS: days(1, 365),
  BACKUP_RETENTION_DAYS: days(1, 30),
  UNDO_RETENTION_DAYS: days(0, 7),
  ATTACHMENT_QUOTA_MB: whole(1, 1_000_000_000, 5_000),
  UNDO_WINDOW_SECONDS: seconds(0, 0),
  APPROVAL_DEADLINE_HOURS: hours(72),
  BACKUP_PASSPHRASE: z.string().min(20, 'must have 20 characters or more').optional(),
  POSTGRES_HOME: folder().optional(),
  POSTGRES_START: z.string().optional(),
  POSTGRES_KEPT_BY: z.enum(['us', 'provider'], { error: 'must be us or provider' }).default('us'),
  SCAN_PATHS: paths().optional(),
  SCAN_INTERVAL: seconds(1, 3600),
  MAILBOX_PATH: folder().optional(),
  RELEASES_DRIVER: z.enum(['process', 'kubernetes'], { error: 'must be process or kubernetes' }).optional(),
  RELEASES_FOLDER: folder().optional(),
  RELEASES_WATCH_SECONDS: whole(1, 3600, 10),
});

/** Their names, for who documents them. */
export const VARIABLES = Object.keys(Environment.shape);

export type Configuration = Omit<z.output<typeof Environment>, 'PUBLIC_URL'> & { PUBLIC_URL: string };

export class ConfigurationError extends Error {}

/** Some of it, for a tool that needs no more. Throws a ConfigurationError. */
export function readSettings<K extends keyof typeof Environment.shape>(
  names: K[],
  env: NodeJS.ProcessEnv = process.env,
): Pick<z.output<typeof Environment>, K> {
  const some = Environment.pick(Object.fromEntries(names.map((name) => [name, true])) as never);
  return parse(some, env, storeFaults) as Pick<z.output<typeof Environment>, K>;
}

/** Reads the environment. Throws one ConfigurationError that names every fault. Empty values count as unset. */
export function readConfiguration(env: NodeJS.ProcessEnv = process.env): Configuration {
  const settings = parse(Environment, env, (given) => [
    ...faultsOf(TEMPORAL_CHECKS, given),
    ...storeFaults(given),
    ...sharedPort(given),
  ]);
  return { ...settings, PUBLIC_URL: settings.PUBLIC_URL ?? `http://localhost:${settings.PORT}` };
}

type Given = Readonly<Record<string, string>>;
type Fault = [name: string, fault: string];

function parse<T extends z.ZodObject>(
  schema: T,
  env: NodeJS.ProcessEnv,
  checkOthers: (given: Given) => Fault[],
): z.output<T> {
  const given = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );
  const parsed = schema.safeParse(given);
  const found: Fault[] = [
    ...(parsed.error?.issues ?? []).map((issue): Fault => [issue.path.join('.'), issue.message]),
    ...checkOthers(given),
  ];
  const isRead = (name: string) => name in schema.shape || found.some(([other]) => other === name);
  const spaced = Object.entries(given).filter(([name, value]) => isRead(name) && hasStrayCharacters(name, value));
  const isSpaced = (name: string) => spaced.some(([other]) => other === name);
  const faults: Fault[] = [
    ...found.filter(([name]) => !isSpaced(name)),
    ...spaced.map(([name]): Fault => [name, 'begins or ends with white space, or holds a line break: remove it']),
  ];
  if (faults.length > 0 || !parsed.success) {
    const lines = [...new Set(faults.map(([name, fault]) => `  ${name} ${fault}`))];
    throw new ConfigurationError(
      `The configuration has ${lines.length} fault(s):\n${lines.join('\n')}\nSee .env.example and docs/configuration.md.`,
    );
  }
  return parsed.data;
}

/** A carriage return at the end of a line, or a space that was pasted with a password, is hard to see. */
function hasStrayCharacters(name: string, value: string): boolean {
  // Backups that exist are encrypted with exactly these characters.
  if (name === 'BACKUP_PASSPHRASE') return value.trim() === '' || CONTROL.test(value);
  return value !== value.trim() || CONTROL.test(value);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Only an S3 store makes the AWS SDK read its settings. */
function storeFaults(given: Given): Fault[] {
  const usesS3 = [given.FILES_URL, given.BACKUP_URL].some((url) => url?.startsWith('s3:'));
  return usesS3 ? faultsOf(AWS_CHECKS, given) : [];
}

/** Of each pair one process listens on both. */
function sharedPort({
  PORT = '8000',
  METRICS_PORT = '9464',
  WORKER_PORT = '8001',
  WORKER_METRICS_PORT = '9465',
}: Given): Fault[] {
  const isShared = (one: string, other: string) => one === other && Number(one) > 0;
  return [
    ...(isShared(PORT, METRICS_PORT) ? ([['METRICS_PORT', 'must not be the same as PORT']] as Fault[]) : []),
    ...(isShared(WORKER_PORT, WORKER_METRICS_PORT)
      ? ([['WORKER_METRICS_PORT', 'must not be the same as WORKER_PORT']] as Fault[])
      : []),
  ];
}
