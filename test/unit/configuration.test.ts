import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { ConfigurationError, readConfiguration, VARIABLES } from '../../ops/runtime/configuration';

const SECRET = Buffer.alloc(32, 1).toString('base64');
const NEEDED = {
  DATABASE_URL: 'postgresql://someone@localhost/countersign',
  SMTP_URL: 'smtp://localhost:1025',
  MAIL_FROM: 'outbox@example.com',
  FILES_URL: 'file:///var/lib/countersign/files',
  BACKUP_URL: 's3://backup/prefix',
  ADMIN_PASSWORD: 'sixteen letters!',
  SECRET_KEY: SECRET,
};

function faultsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    readConfiguration(env);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.message.split('\n').slice(1, -1);
  }
  return [];
}

describe('the configuration', () => {
  it('is complete with what is needed, and has its defaults', () => {
    expect(readConfiguration(NEEDED)).toMatchObject({
      HOST: '127.0.0.1',
      METRICS_HOST: '127.0.0.1',
      PORT: 8000,
      PUBLIC_URL: 'http://localhost:8000',
      LOG_LEVEL: 'info',
      ATTACHMENT_QUOTA_MB: 5_000,
      CONNECTIONS: 10_000,
      CONNECTIONS_PER_CLIENT: 1_000,
      KEY_REQUESTS_PER_MINUTE: 60_000,
      DB_POOL_SIZE: 20,
      DB_POOL_OVERFLOW: 10,
      DB_POOL_TIMEOUT_SECONDS: 30,
      DB_POOL_RECYCLE_SECONDS: 3600,
      DB_STATEMENT_TIMEOUT_SECONDS: 30,
      SHUTDOWN_DRAIN_SECONDS: 30,
      DRAFT_RETENTION_DAYS: 90,
      AUDIT_RETENTION_DAYS: 365,
      BACKUP_RETENTION_DAYS: 30,
      UNDO_RETENTION_DAYS: 7,
      UNDO_WINDOW_SECONDS: 0,
      APPROVAL_DEADLINE_HOURS: 72,
    });
  });

  it('names everything that is missing at once', () => {
    const missing = faultsOf({}).map((line) => line.trim());
    expect(missing.map((line) => line.split(' ')[0]).sort()).toEqual(Object.keys(NEEDED).sort());
    for (const line of missing) expect(line).toMatch(/^[A-Z_]+ is required: \S/);
  });

  it('names everything that is wrong at once, beside what is missing', () => {
    const { SMTP_URL, ...others } = NEEDED;
    expect(
      faultsOf({
        ...others,
        HOST: 'https://example.com',
        METRICS_HOST: '10.0.0',
        PORT: '70000',
        LOG_LEVEL: 'loud',
        DB_POOL_SIZE: '0',
        DB_POOL_OVERFLOW: '-1.5',
        APPROVAL_DEADLINE_HOURS: '0',
        SENTRY_TRACES_SAMPLE_RATE: '1.1',
        FILES_URL: '/var/lib/files',
        ADMIN_PASSWORD: 'letters',
        SECRET_KEY: `${SECRET},c2hvcnQ=`,
        SCAN_PATHS: '/var/log,relative',
        MAILBOX_PATH: 'mail',
      }).sort(),
    ).toEqual([
      '  ADMIN_PASSWORD must have 16 characters or more',
      '  APPROVAL_DEADLINE_HOURS must be a number above 0 and up to 876000',
      '  DB_POOL_OVERFLOW must be a whole number from 0 to 10000',
      '  DB_POOL_SIZE must be a whole number from 1 to 10000',
      '  FILES_URL must be a URL that begins with s3:// or file://',
      '  HOST must be an address of this machine, like 127.0.0.1, 0.0.0.0 or ::',
      '  LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent',
      '  MAILBOX_PATH must be an absolute path',
      '  METRICS_HOST must be an address of this machine, like 127.0.0.1, 0.0.0.0 or ::',
      '  PORT must be a whole number from 0 to 65535',
      '  SCAN_PATHS must be absolute paths, separated by commas',
      '  SECRET_KEY must be keys of 32 bytes or more in base64',
      '  SENTRY_TRACES_SAMPLE_RATE must be a number from 0 to 1',
      '  SMTP_URL is required: a URL that begins with smtp:// or smtps://',
    ]);
  });

  it('repeats no value', () => {
    const faulty = Object.fromEntries(VARIABLES.map((name) => [name, 'mysql://user:canary@']));
    expect(faultsOf(faulty).length).toBeGreaterThan(10);
    expect(faultsOf(faulty).join('\n')).not.toContain('canary');
  });

  it('takes an empty value for none', () => {
    const empty = Object.fromEntries(VARIABLES.map((name) => [name, '']));
    expect(readConfiguration({ ...empty, ...NEEDED })).toEqual(readConfiguration(NEEDED));
    expect(faultsOf({ ...NEEDED, SMTP_URL: '' })).toEqual([expect.stringContaining('SMTP_URL is required')]);
  });

  it.each(['8000x', 'NaN', 'Infinity', '1.5', '-1'])('takes %s for no port', (value) => {
    expect(faultsOf({ ...NEEDED, PORT: value })).toHaveLength(1);
  });

  it('follows the port with the public URL, unless that is set', () => {
    expect(readConfiguration({ ...NEEDED, PORT: '9000' }).PUBLIC_URL).toBe('http://localhost:9000');
    const PUBLIC_URL = 'https://countersign.example.com';
    expect(readConfiguration({ ...NEEDED, PORT: '9000', PUBLIC_URL }).PUBLIC_URL).toBe(PUBLIC_URL);
  });

  it('reads the keys for rotation in their order', () => {
    const second = Buffer.alloc(48, 2).toString('base64');
    const { SECRET_KEY } = readConfiguration({ ...NEEDED, SECRET_KEY: `${SECRET}, ${second}` });
    expect(SECRET_KEY.map((key) => key.length)).toEqual([32, 48]);
  });
});

describe('the documents of the configuration', () => {
  const read = (file: string) => readFileSync(join(__dirname, '..', '..', file), 'utf8');
  const examples = new Map(
    Object.entries(parseEnv(read('.env.example').replaceAll(/^# ([A-Z][A-Z0-9_]*=)/gm, '$1'))).map(
      ([name, value = '']) => [name, value],
    ),
  );
  const rows = [...read('docs/configuration.md').matchAll(/^\| `([A-Z0-9_]+)` \| (.*?) \|/gm)];
  const defaults = new Map(rows.map(([, name = '', fallback = '']) => [name, fallback]));
  /** Read by Temporal's SDK and by that of AWS. */
  const isTheirs = (name: string) => /^(TEMPORAL|AWS)_/.test(name) && !VARIABLES.includes(name);

  it('list exactly the variables that are read, each once', () => {
    expect([...examples.keys()].filter((name) => !isTheirs(name)).sort()).toEqual([...VARIABLES].sort());
    expect([...defaults.keys()].sort()).toEqual([...examples.keys()].sort());
    expect(rows).toHaveLength(defaults.size);
  });

  it('tell the defaults as they are', () => {
    const actual = readConfiguration(NEEDED) as Record<string, unknown>;
    for (const name of VARIABLES.filter((one) => one !== 'PUBLIC_URL')) {
      const told = defaults.get(name) ?? '';
      if (name in NEEDED) expect([name, told]).toEqual([name, 'required']);
      else if (actual[name] === undefined) expect([name, told]).toEqual([name, expect.stringMatching(/^unset/)]);
      else expect([name, told, examples.get(name)]).toEqual([name, `\`${actual[name]}\``, String(actual[name])]);
    }
  });

  it('give an example that is valid once the two secrets are filled in', () => {
    const { ADMIN_PASSWORD, SECRET_KEY } = NEEDED;
    expect(faultsOf({ ...Object.fromEntries(examples), ADMIN_PASSWORD, SECRET_KEY })).toEqual([]);
  });
});
