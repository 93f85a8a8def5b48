// Each setting with values that an operator mistypes or a hostile hand writes: one line names the setting, and no value is repeated.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigurationError, readConfiguration } from '../../ops/runtime/configuration';
import { newFolder } from '../support/environment';

const KEY = Buffer.alloc(32, 1).toString('base64');
const folder = newFolder('settings');
const file = join(folder, 'a-file');
const absent = join(folder, 'absent');
writeFileSync(file, 'no certificate');
mkdirSync(join(folder, 'a-folder'));
const NEEDED = {
  DATABASE_URL: 'postgresql://someone@db.example.com/countersign',
  SMTP_URL: 'smtp://localhost:1025',
  MAIL_FROM: 'outbox@example.com',
  FILES_URL: pathToFileURL(folder).href,
  BACKUP_URL: 's3://backup/prefix',
  ADMIN_PASSWORD: 'sixteen letters!',
  SECRET_KEY: KEY,
};

function faultsOf(changes: NodeJS.ProcessEnv): string[] {
  try {
    readConfiguration({ ...NEEDED, ...changes });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.message.split('\n').slice(1, -1);
  }
}

/** For every kind. */
const SPACED = ['  ', '\t', 'x\r', 'x\ny', ' x'];
const NUMBERS = ['x', 'NaN', 'Infinity', '-1', '1e9', '1.5', '0x10', '١', '99999999999999999999', '1 000', '30s'];
const NOT_ZERO = [...NUMBERS, '0'];
const NO_URL = ['x', '//host', 'host:1', '://', 'javascript:alert(1)'];
const WEB = [
  ...NO_URL,
  'ftp://h',
  'http://',
  'https://h:0',
  'https://h:99999',
  'https://h:-1',
  'https://u:canary@h',
  'https://h?x',
  'https://h#x',
];
const STORE = [
  ...NO_URL,
  's3://',
  's3:///prefix',
  's3://B',
  's3://a_bucket',
  's3://bucket:9000',
  's3://key:canary@bucket',
  's3://bucket?x',
  'S3://bucket',
  'gs://bucket',
  folder,
  'file://',
  'file:///',
  'file://relative/folder',
  'file:///a%2Fb',
  pathToFileURL(file).href,
];
const FOLDER = ['x', './x', '~/x', file];
const PEM = [absent, file, folder, 'x'];
const HOSTS = ['a b', '1.2.3', 'http://h', 'h:80', '-h', '::x', '[::1]'];
const PORTS = [...NUMBERS, '65536', '99999', '80/tcp', ':80'];

const HOSTILE: Record<string, string[]> = {
  DATABASE_URL: [
    ...NO_URL,
    'mysql://h/d',
    'postgresql://',
    'postgresql:///d',
    'postgresql://h',
    'postgresql://h/',
    'postgresql://h/d/e',
    'postgresql://h:0/d',
    'postgresql://h:99999/d',
    'postgresql://u:can#ary@h/d',
    'postgresql://h/d?schema=x',
    `postgresql://h/d?sslrootcert=${absent}`,
  ],
  SMTP_URL: [...NO_URL, 'smtp://', 'smtp://:25', 'smtp://h:0', 'smtp://h:99999', 'http://h', 'smtp://u:canary@'],
  MAIL_FROM: ['x', '@', 'a@', '@b', 'a@b, c@d', 'A B', 'A <a@b', 'A <>', 'a@b@c', 'a b@c', 'A <a@b> <c@d>', 'G: a@b;'],
  FILES_URL: STORE,
  BACKUP_URL: STORE,
  ADMIN_PASSWORD: ['short', 'fifteen letters', '                '],
  SECRET_KEY: [
    'x',
    'c2hvcnQ=',
    `${KEY},`,
    `${KEY},${KEY}`,
    `${KEY};${KEY}`,
    `!${KEY}`,
    'letters and spaces that are no base64 at all, but long',
  ],
  TEMPORAL_ADDRESS: [
    '::::',
    'http://h:7233',
    'h:0',
    'h:99999',
    'h:x',
    ':7233',
    'h:1:2',
    'h/x',
    'a b:1',
    '[::1',
    '[x]:1',
    '1.2.3:1',
    'h:',
  ],
  TEMPORAL_NAMESPACE: ['a b', 'a/b'],
  TEMPORAL_API_KEY: ['a b'],
  TEMPORAL_TLS: ['yes', 'on', 'TRUE', '2'],
  TEMPORAL_TLS_SERVER_NAME: ['https://h', 'h:1', 'a b', '..'],
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: PEM,
  TEMPORAL_TLS_CLIENT_CERT_PATH: PEM,
  TEMPORAL_TLS_CLIENT_KEY_PATH: PEM,
  TEMPORAL_CONFIG_FILE: [absent, folder],
  TEMPORAL_WORKER_BUILD_ID: ['a b', 'a/b', '-', 'a:b'],
  TEMPORAL_DEPLOYMENT_NAME: ['a b', 'a/b', '-'],
  TEMPORAL_UI_URL: WEB,
  AWS_REGION: ['EU Central', 'eu_central', 'https://x'],
  AWS_ACCESS_KEY_ID: ['canary'],
  AWS_SECRET_ACCESS_KEY: ['canary'],
  AWS_SESSION_TOKEN: ['canary'],
  AWS_ENDPOINT_URL_S3: WEB,
  AWS_CA_BUNDLE: PEM,
  POSTGRES_KEPT_BY: ['them', 'Provider', 'true'],
  HOST: HOSTS,
  METRICS_HOST: HOSTS,
  PORT: PORTS,
  METRICS_PORT: [...PORTS, '8000'],
  WORKER_METRICS_PORT: PORTS,
  WORKER_PORT: PORTS,
  PUBLIC_URL: WEB,
  REDIS_URL: [...NO_URL, 'redis://', 'redis://h:0', 'redis://h:99999', 'redis://h/x', 'redis://:canary@', 'http://h'],
  TRUST_PROXY: [
    'banana',
    'true',
    'false',
    '-1',
    '99999',
    '10.0.0.0/33',
    '10.0.0.0/0',
    '10.0.0.0/x',
    '::1/129',
    '1.2.3',
    '1,2',
    '10.0.0.1,,10.0.0.2',
  ],
  ATTACHMENT_QUOTA_MB: NOT_ZERO,
  CONNECTIONS: NOT_ZERO,
  DB_STATEMENT_TIMEOUT_SECONDS: [...NOT_ZERO, '3601'],
  CONNECTIONS_PER_CLIENT: NOT_ZERO,
  KEY_REQUESTS_PER_MINUTE: NOT_ZERO,
  SHUTDOWN_DRAIN_SECONDS: [...NUMBERS, '1000000000'],
  APPROVAL_DEADLINE_HOURS: ['x', 'NaN', 'Infinity', '-1', '0', '1e9', '1000000000', '0.0', '1,5'],
  UNDO_WINDOW_SECONDS: [...NUMBERS, '1000000000'],
  DRAFT_RETENTION_DAYS: [...NOT_ZERO, '1000000000'],
  AUDIT_RETENTION_DAYS: [...NOT_ZERO, '1000000000'],
  BACKUP_RETENTION_DAYS: [...NOT_ZERO, '1000000000'],
  UNDO_RETENTION_DAYS: [...NUMBERS, '1000000000'],
  BACKUP_PASSPHRASE: ['short', ' '.repeat(30), `${'long '.repeat(9)}\nline`],
  POSTGRES_HOME: FOLDER,
  POSTGRES_START: ['systemctl start x\nrm y'],
  SCAN_PATHS: ['x', '/a,b', '/a,,/b', '/a,'],
  SCAN_INTERVAL: [...NOT_ZERO, '1000000000'],
  MAILBOX_PATH: FOLDER,
  RELEASES_DRIVER: ['Process', 'docker', 'process,kubernetes'],
  RELEASES_FOLDER: FOLDER,
  RELEASES_WATCH_SECONDS: [...NOT_ZERO, '3601'],
  DB_POOL_SIZE: [...NOT_ZERO, '1000000000'],
  DB_POOL_OVERFLOW: [...NUMBERS, '1000000000'],
  DB_POOL_TIMEOUT_SECONDS: [...NOT_ZERO, '1000000000'],
  DB_POOL_RECYCLE_SECONDS: [...NOT_ZERO, '1000000000'],
  LOG_LEVEL: ['loud', 'INFO', '0'],
  SENTRY_DSN: [...NO_URL, 'https://h/1', 'https://key@h', 'https://key@h/x', 'https://key@'],
  SENTRY_ENVIRONMENT: ['a b', 'a/b'],
  SENTRY_TRACES_SAMPLE_RATE: ['x', '-1', '1.1', 'NaN', '1e-1', '50%'],
  HUBSPOT_ACCESS_TOKEN: ['a b', 'tökén'],
  HUBSPOT_BASE_URL: WEB,
};
/** The system or the SDK's own file decides; Countersign can't know what is right. */
const ANY_VALUE = ['TEMPORAL_PROFILE'];

const cases = Object.entries(HOSTILE).flatMap(([name, values]) =>
  [...new Set([...values, ...SPACED.map((one) => (name === 'BACKUP_PASSPHRASE' ? '  ' : one))])].map(
    (value) => [name, value] as const,
  ),
);

it('has hostile values for every setting that is documented', () => {
  const page = readFileSync(join(__dirname, '..', '..', 'docs', 'configuration.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map(([, name]) => name);
  expect([...Object.keys(HOSTILE), ...ANY_VALUE].sort()).toEqual(documented.sort());
  expect(cases.length).toBeGreaterThan(400);
});

it.each(cases)('refuses %s=%j in one line that names it alone', (name, value) => {
  const faults = faultsOf({ [name]: value });
  expect(faults).toEqual([expect.stringMatching(`^ {2}${name} \\S.{10,}$`)]);
});

it('names every fault of every setting in one list, and repeats no secret', () => {
  const all = Object.fromEntries(Object.entries(HOSTILE).map(([name, [first = '']]) => [name, first]));
  const faults = faultsOf({
    ...all,
    SMTP_URL: 'smtp://u:canary@',
    REDIS_URL: 'redis://:canary@',
    BACKUP_URL: 's3://key:canary@bucket',
  });
  // Keys of AWS are wrong only if one of them is missing.
  const wrong = Object.keys(HOSTILE).filter((name) => !/^AWS_(ACCESS|SECRET|SESSION)/.test(name));
  expect(faults.map((line) => line.trim().split(' ')[0]).sort()).toEqual(wrong.sort());
  expect(faults.join('\n')).not.toContain('canary');
});

it.each(['false', '0'])(
  "refuses TEMPORAL_TLS=%s beside Temporal's API key, which would be sent unencrypted",
  (TEMPORAL_TLS) => {
    const faults = faultsOf({ TEMPORAL_API_KEY: 'canary', TEMPORAL_TLS });
    expect(faults).toEqual([expect.stringMatching(/^ {2}TEMPORAL_API_KEY .*TEMPORAL_TLS/)]);
    expect(faults.join('\n')).not.toContain('canary');
  },
);

it.each([
  ['a trailing slash of an address', { PUBLIC_URL: 'https://countersign.example.com/' }],
  ['a path below a host', { PUBLIC_URL: 'https://example.com/countersign/' }],
  ['a store with a trailing slash', { FILES_URL: `${pathToFileURL(folder).href}/`, BACKUP_URL: 's3://bucket/prefix/' }],
  ['a folder that is still to be made', { FILES_URL: pathToFileURL(absent).href, POSTGRES_HOME: absent }],
  ['a password with encoded characters', { SMTP_URL: 'smtps://user:p%40ss%23@smtp.example.com:465' }],
  ['a socket of PostgreSQL', { DATABASE_URL: 'postgresql:///countersign?host=/var/run/postgresql' }],
  ['a name with a comma, quoted', { MAIL_FROM: '"Outbox, Example" <outbox@example.com>' }],
  ['an address with a host without dots', { MAIL_FROM: 'Countersign <countersign@localhost>' }],
  ['hops', { TRUST_PROXY: '1' }],
  ['subnets', { TRUST_PROXY: 'loopback, 10.0.0.0/8,fd00::/8, 192.168.0.0/255.255.0.0' }],
  ['a host without its port', { TEMPORAL_ADDRESS: 'temporal.example.com' }],
  ['an IPv6 address', { TEMPORAL_ADDRESS: '[::1]:7233', SMTP_URL: 'smtp://[::1]:25' }],
  ['a port that the system chooses', { PORT: '0', METRICS_PORT: '0' }],
  ['a fraction of hours', { APPROVAL_DEADLINE_HOURS: '0.5' }],
  ['paths that are listed twice', { SCAN_PATHS: '/a,/a , /b%2Cc' }],
  ['spaces around a passphrase', { BACKUP_PASSPHRASE: ` ${'x'.repeat(20)} ` }],
  ['AWS settings that no store of ours reads', { BACKUP_URL: pathToFileURL(folder).href, AWS_CA_BUNDLE: absent }],
])('takes %s', (_title, changes) => {
  expect(faultsOf(changes)).toEqual([]);
});

it('drops a slash at the end of an address, and a path that is listed twice', () => {
  const changes = { PUBLIC_URL: 'https://example.com/', TEMPORAL_UI_URL: 'https://t/ui//', SCAN_PATHS: '/a,/a' };
  expect(readConfiguration({ ...NEEDED, ...changes })).toMatchObject({
    PUBLIC_URL: 'https://example.com',
    TEMPORAL_UI_URL: 'https://t/ui',
    SCAN_PATHS: ['/a'],
  });
});
