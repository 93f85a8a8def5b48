// Everything the environment can say, read once. `.env.example` and docs/configuration.md list the same names.
import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { z } from 'zod';

const required = (hint: string) => ({ error: `is required: ${hint}` });
const whole = (least: number, most: number, fallback: number) => {
  const bounds = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
  const fault = { error: `must be a whole number ${bounds}` };
  return z.coerce.number(fault).int(fault).min(least, fault).max(most, fault).default(fallback);
};
const seconds = (fallback: number) => whole(0, Number.MAX_SAFE_INTEGER, fallback);
const positive = (fallback: number) => whole(1, Number.MAX_SAFE_INTEGER, fallback);
const port = (fallback: number) => whole(0, 65535, fallback);
/** Rejects `1.2.3`, which is no name but an address with a part missing. */
const NAME = /^(?![\d.]+$)[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/i;
const LOOPBACK = '127.0.0.1';
const host = () =>
  z
    .string()
    .refine((value) => isIP(value) > 0 || NAME.test(value), {
      error: 'must be an address of this machine, like 127.0.0.1, 0.0.0.0 or ::',
    })
    .default(LOOPBACK);
const hours = (fallback: number) => {
  const fault = { error: 'must be a number above 0' };
  return z.coerce.number(fault).positive(fault).default(fallback);
};
const SHARE = { error: 'must be a number from 0 to 1' };
const share = z.coerce.number(SHARE).min(0, SHARE).max(1, SHARE).default(0);
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const url = (...schemes: string[]) => {
  const kind = `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return z
    .string(required(kind))
    .refine((value) => schemes.some((scheme) => value.startsWith(`${scheme}://`)) && URL.canParse(value), {
      error: `must be ${kind}`,
    });
};

const PATHS = { error: 'must be absolute paths, separated by commas' };
const paths = z
  .string()
  .transform((value) => value.split(',').map((path) => path.trim().replaceAll('%2C', ',')))
  .refine((all) => all.every((path) => isAbsolute(path)), PATHS);
const folder = z.string().refine((path) => isAbsolute(path), { error: 'must be an absolute path' });

const SecretKeys = z
  .string(required('32 or more random bytes in base64, for instance from `openssl rand -base64 32`'))
  .transform((value) => value.split(',').map((part) => Buffer.from(part.trim(), 'base64')))
  .refine((keys) => keys.every((key) => key.length >= 32), { error: 'must be keys of 32 bytes or more in base64' });

const Environment = z.object({
  DATABASE_URL: url('postgresql', 'postgres'),
  REDIS_URL: url('redis', 'rediss').optional(),
  SMTP_URL: url('smtp', 'smtps'),
  MAIL_FROM: z.string(required('the From address of every mail')).min(3, 'must be an address, with or without a name'),
  FILES_URL: url('s3', 'file'),
  BACKUP_URL: url('s3', 'file'),
  ADMIN_PASSWORD: z.string(required('the bootstrap admin token')).min(8, 'must have 8 characters or more'),
  SECRET_KEY: SecretKeys,
  HOST: host(),
  PORT: port(8000),
  METRICS_HOST: host(),
  METRICS_PORT: port(9464),
  WORKER_METRICS_PORT: port(9465),
  PUBLIC_URL: url('http', 'https').optional(),
  TEMPORAL_UI_URL: url('http', 'https').optional(),
  TEMPORAL_DEPLOYMENT_NAME: z.string().default('countersign'),
  TEMPORAL_WORKER_BUILD_ID: z.string().optional(),
  HUBSPOT_ACCESS_TOKEN: z.string().optional(),
  HUBSPOT_BASE_URL: url('http', 'https').default('https://api.hubapi.com'),
  SENTRY_DSN: url('http', 'https').optional(),
  SENTRY_ENVIRONMENT: z.string().default('production'),
  SENTRY_TRACES_SAMPLE_RATE: share,
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).default('info'),
  TRUST_PROXY: z.string().optional(),
  KEY_REQUESTS_PER_MINUTE: positive(60_000),
  DB_POOL_SIZE: positive(20),
  DB_POOL_OVERFLOW: seconds(10),
  DB_POOL_TIMEOUT_SECONDS: positive(30),
  DB_POOL_RECYCLE_SECONDS: positive(3600),
  SHUTDOWN_DRAIN_SECONDS: seconds(30),
  DRAFT_RETENTION_DAYS: positive(90),
  AUDIT_RETENTION_DAYS: positive(365),
  BACKUP_RETENTION_DAYS: positive(30),
  UNDO_RETENTION_DAYS: whole(0, 36_500, 7),
  UNDO_WINDOW_SECONDS: seconds(0),
  APPROVAL_DEADLINE_HOURS: hours(72),
  BACKUP_PASSPHRASE: z.string().min(20, 'must have 20 characters or more').optional(),
  POSTGRES_HOME: folder.optional(),
  POSTGRES_START: z.string().optional(),
  SCAN_PATHS: paths.optional(),
  SCAN_INTERVAL: positive(3600),
  MAILBOX_PATH: folder.optional(),
});

/** Their names, for who documents them. */
export const VARIABLES = Object.keys(Environment.shape);

export type Configuration = Omit<z.output<typeof Environment>, 'PUBLIC_URL'> & { PUBLIC_URL: string };

export class ConfigurationError extends Error {}

/** Some of it, for a tool that needs no more. */
export function readSettings<K extends keyof typeof Environment.shape>(
  names: K[],
  env: NodeJS.ProcessEnv = process.env,
): Pick<z.output<typeof Environment>, K> {
  const some = Environment.pick(Object.fromEntries(names.map((name) => [name, true])) as never);
  return parse(some, env) as Pick<z.output<typeof Environment>, K>;
}

/** Reads the environment; throws one ConfigurationError that names every fault. Empty values count as unset. */
export function readConfiguration(env: NodeJS.ProcessEnv = process.env): Configuration {
  const settings = parse(Environment, env);
  return { ...settings, PUBLIC_URL: settings.PUBLIC_URL ?? `http://localhost:${settings.PORT}` };
}

function parse<T extends z.ZodType>(schema: T, env: NodeJS.ProcessEnv): z.output<T> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const faults = [...new Set(parsed.error.issues.map((issue) => `  ${issue.path.join('.')} ${issue.message}`))];
    throw new ConfigurationError(
      `The configuration has ${faults.length} fault(s):\n${faults.join('\n')}\nSee .env.example.`,
    );
  }
  return parsed.data;
}
