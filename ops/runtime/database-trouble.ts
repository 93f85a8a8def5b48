// Explains in one sentence why the database can't be used, with the setting and the remedy. Repeats no host, user or password.
import pg from 'pg';
import { knownMigrations } from './known-migrations';

export interface DatabaseTrouble {
  message: string;
  /** Whether it stays until somebody changes DATABASE_URL, so that waiting is in vain. */
  isLasting: boolean;
}

const ANSWERS_WITHIN_MS = 5_000;
const lasting = (message: string): DatabaseTrouble => ({ message: `DATABASE_URL ${message}`, isLasting: true });
const passing = (message: string): DatabaseTrouble => ({ message: `DATABASE_URL ${message}`, isLasting: false });

const WRONG_PASSWORD = lasting(
  'has a user name or password that PostgreSQL refuses: correct them; special characters are percent-encoded.',
);
const HOST_UNKNOWN = passing('names a host that is not known here: check its spelling and the name server.');
const SILENT = passing(
  `names a server that does not answer within ${ANSWERS_WITHIN_MS / 1000} s: check host, port and firewall.`,
);
const NO_TLS = 'names a server without TLS, and asks for TLS: remove sslmode, or turn TLS on in the server.';
const UNTRUSTED =
  'names a server whose certificate is not trusted: name its authority with ?sslrootcert=/path/to/ca.pem, and check the host name.';

const BY_CODE: Record<string, DatabaseTrouble> = {
  '28P01': WRONG_PASSWORD,
  '3D000': lasting('names a database that is not there: create it, or correct the name after the host.'),
  '42501': lasting('has a user without the rights that are needed: grant them (docs/audit.md), or name another user.'),
  '53300': passing('names a server that has no connection left: lower DB_POOL_SIZE, or raise max_connections.'),
  '57P03': passing('names a server that is still starting: it is tried again.'),
  ECONNREFUSED: passing(
    'names a server that refuses the connection: check host and port, and whether PostgreSQL runs.',
  ),
  ENOTFOUND: HOST_UNKNOWN,
  EAI_AGAIN: HOST_UNKNOWN,
  ENOENT: passing('names a socket that is not there: check host and port, and whether PostgreSQL runs.'),
  ETIMEDOUT: SILENT,
  EHOSTUNREACH: SILENT,
  ENETUNREACH: SILENT,
  ERR_TLS_CERT_ALTNAME_INVALID: lasting(UNTRUSTED),
};

/** The server's `pg_hba.conf` refuses in three ways, which only the message tells apart. */
function refusalOf(message: string): DatabaseTrouble {
  if (/no encryption|SSL off/i.test(message)) {
    return lasting('reaches a server that asks for TLS: add ?sslmode=require, or verify-full with sslrootcert.');
  }
  if (/no pg_hba\.conf entry/i.test(message)) {
    return lasting(
      'names a user and database that the server does not let in from here: add a line to its pg_hba.conf.',
    );
  }
  return WRONG_PASSWORD;
}

/** Looks into an error's cause and attempts too. */
export function explainDatabaseTrouble(error: unknown): DatabaseTrouble {
  const { code = '', message = '', errors, cause } = error as NodeJS.ErrnoException & { errors?: unknown[] };
  if (code === '28000') return refusalOf(message);
  const known = BY_CODE[code];
  if (known) return known;
  if (/does not support SSL/i.test(message)) return lasting(NO_TLS);
  if (/certificate|SELF_SIGNED|UNABLE_TO_/i.test(`${code} ${message}`)) return lasting(UNTRUSTED);
  if (/SASL|client password must be/i.test(message)) return WRONG_PASSWORD;
  if (/time(d )?out/i.test(message)) return SILENT;
  const inner = errors?.[0] ?? cause;
  if (inner) return explainDatabaseTrouble(inner);
  return passing(`could not be used (${code || 'no code'}): check it with psql.`);
}

/** Asks the database once. @returns null if this release can work with it */
export async function findDatabaseTrouble(url: string, { migrated = true } = {}): Promise<DatabaseTrouble | null> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: ANSWERS_WITHIN_MS,
    query_timeout: ANSWERS_WITHIN_MS,
    application_name: 'countersign start',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const missing = migrated ? await countMissing(client) : 0;
    if (missing === 0) return null;
    return passing(`names a database that lacks ${missing} migration(s): run \`npm run migrate\`.`);
  } catch (error) {
    return explainDatabaseTrouble(error);
  } finally {
    await client.end().catch(() => {});
  }
}

async function countMissing(client: pg.Client): Promise<number> {
  const known = knownMigrations();
  const { rows: tables } = await client.query(`SELECT to_regclass('_prisma_migrations') AS name`);
  if (tables[0]?.name === null) return known.length;
  const { rows } = await client.query<{ name: string }>(
    'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  );
  const applied = new Set(rows.map(({ name }) => name));
  return known.filter((name) => !applied.has(name)).length;
}
