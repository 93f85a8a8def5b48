// Everything the environment can say, read once. `.env.example` and docs/configuration.md list the same names.
import { z } from 'zod';

const seconds = (fallback: number) => z.coerce.number().int().min(0).default(fallback);
const positive = (fallback: number) => z.coerce.number().int().min(1).default(fallback);
const url = (...schemes: string[]) =>
  z.string().refine((value) => schemes.some((scheme) => value.startsWith(`${scheme}://`)) && URL.canParse(value), {
    error: `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  });
const required = (hint: string) => ({ error: `is required: ${hint}` });

const SecretKeys = z
  .string(required('32 or more random bytes in base64, for instance from `openssl rand -base64 32`'))
  .transform((value) => value.split(',').map((part) => Buffer.from(part.trim(), 'base64')))
  .refine((keys) => keys.every((key) => key.length >= 32), { error: 'each key needs at least 32 bytes in base64' });

const Environment = z.object({
  DATABASE_URL: url('postgresql', 'postgres'),
  REDIS_URL: url('redis', 'rediss').optional(),
  SMTP_URL: url('smtp', 'smtps'),
  MAIL_FROM: z.string(required('the From address of every mail')).min(3),
  FILES_URL: url('s3', 'file'),
  BACKUP_URL: url('s3', 'file'),
  ADMIN_PASSWORD: z.string(required('the bootstrap admin token')).min(16, 'needs at least 16 characters'),
  SECRET_KEY: SecretKeys,
  PORT: z.coerce.number().int().min(0).max(65535).default(8000),
  METRICS_PORT: z.coerce.number().int().min(0).max(65535).default(9464),
  WORKER_METRICS_PORT: z.coerce.number().int().min(0).max(65535).default(9465),
  PUBLIC_URL: url('http', 'https').optional(),
  TEMPORAL_UI_URL: url('http', 'https').optional(),
  HUBSPOT_ACCESS_TOKEN: z.string().optional(),
  HUBSPOT_BASE_URL: url('http', 'https').default('https://api.hubapi.com'),
  SENTRY_DSN: url('http', 'https').optional(),
  SENTRY_ENVIRONMENT: z.string().default('production'),
  SENTRY_TRACES_SAMPLE_RATE: z.coerce.number().min(0).max(1).default(0),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  TRUST_PROXY: z.string().optional(),
  KEY_REQUESTS_PER_MINUTE: positive(60_000),
  DB_POOL_SIZE: positive(20),
  DB_POOL_OVERFLOW: seconds(10),
  DB_POOL_TIMEOUT_SECONDS: positive(30),
  DB_POOL_RECYCLE_SECONDS: positive(3600),
  SHUTDOWN_DRAIN_SECONDS: seconds(30),
  DRAFT_RETENTION_DAYS: positive(90),
  AUDIT_RETENTION_DAYS: positive(365),
  UNDO_WINDOW_SECONDS: seconds(0),
  APPROVAL_DEADLINE_HOURS: z.coerce.number().positive().default(72),
});

/** Their names, for who documents them. */
export const VARIABLES = Object.keys(Environment.shape);

export type Configuration = Omit<z.output<typeof Environment>, 'PUBLIC_URL'> & { PUBLIC_URL: string };

export class ConfigurationError extends Error {}

/** Reads the environment; throws one ConfigurationError that names every fault. Empty values count as unset. */
export function readConfiguration(env: NodeJS.ProcessEnv = process.env): Configuration {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => {
      const name = issue.path.join('.');
      return `  ${name} ${given[name] === undefined && !issue.message.startsWith('is ') ? 'is required: ' : ''}${issue.message}`;
    });
    throw new ConfigurationError(
      `The configuration has ${faults.length} fault(s):\n${faults.join('\n')}\nSee .env.example.`,
    );
  }
  return { ...parsed.data, PUBLIC_URL: parsed.data.PUBLIC_URL ?? `http://localhost:${parsed.data.PORT}` };
}
