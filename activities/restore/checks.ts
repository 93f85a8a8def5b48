// Whether what was restored is sound: its pages and indexes, its schema, its audit chain, its rows. What could not be checked
// is never sound.
import { join } from 'node:path';
import pg from 'pg';
import { run } from '../../ops/local/binaries/programs';
import { migrate, withClient } from '../../ops/local/database';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { knownMigrations } from '../../ops/runtime/known-migrations';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { createSigner } from '../audit-trail/signatures';
import { verifyTrail } from '../audit-trail/verify';
import type { Manifest } from '../backup/manifest';
import { refusal } from './refusal';
import { AMCHECK, couldNotCheck } from './required-checks';
import { withDatabase } from './rewound';

/** The exit code of pg_amcheck that found something; any other says that it could not look. */
const FOUND = 2;

export interface CheckReport {
  amcheck: 'sound';
  schema: string;
  audit: { events: number; anchors: number };
  rows: Record<string, number>;
}

export interface CheckedCluster {
  url: string;
  /** Reads what our own role may not. */
  superuserUrl: string;
}

/** Throws a refusal that names what is not sound. Brings an older schema up to this release's. */
export async function checkCluster(
  tools: RecoveryTools,
  { url, superuserUrl }: CheckedCluster,
  manifest: Manifest,
  tell: () => void,
): Promise<CheckReport> {
  await checkPages(tools, superuserUrl);
  tell();
  const rows = await checkRows(superuserUrl, manifest.rows);
  tell();
  const schema = await checkSchema(url, superuserUrl);
  tell();
  const audit = await checkAudit(tools, url, tell);
  return { amcheck: 'sound', schema, audit, rows };
}

async function checkPages({ host }: RecoveryTools, superuserUrl: string): Promise<void> {
  const program = join(host.bin, AMCHECK);
  const { port, username, pathname, searchParams } = new URL(superuserUrl);
  const place = ['--host', searchParams.get('host') ?? '', '--port', port, '--username', decodeURIComponent(username)];
  const database = decodeURIComponent(pathname.slice(1));
  await withExtension(superuserUrl, async () => {
    await run(program, [...place, '--no-dependent-toast', database], {
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      cwd: '/',
    }).catch((error: Error) => {
      throw isDamage(error)
        ? refusal('check_failed', `The restored database is damaged: ${firstLine(error)}`)
        : couldNotCheck(firstLine(error));
    });
  });
}

const firstLine = ({ message }: Error) => message.split('\n')[0] as string;

const isDamage = ({ message, cause }: Error) =>
  (cause as { code?: unknown } | undefined)?.code === FOUND && !/permission denied/.test(message);

/** Leaves the database as it was. */
async function withExtension(superuserUrl: string, work: () => Promise<void>): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    const { rowCount } = await client.query(`SELECT FROM pg_extension WHERE extname = 'amcheck'`);
    if (rowCount === 0) {
      await client.query('CREATE EXTENSION amcheck').catch((error: Error) => {
        throw couldNotCheck(error.message);
      });
    }
    await work();
    if (rowCount === 0) await client.query('DROP EXTENSION amcheck');
  });
}

async function checkRows(url: string, wanted: Manifest['rows']): Promise<Record<string, number>> {
  return withClient(url, async (client) => {
    const rows: Record<string, number> = {};
    for (const [table, least] of Object.entries(wanted)) {
      const { rows: counted } = await client.query(`SELECT count(*)::int AS n FROM ${pg.escapeIdentifier(table)}`);
      rows[table] = counted[0].n;
      if (counted[0].n < least) {
        throw refusal(
          'check_failed',
          `The restored table ${table} has ${counted[0].n} rows, and the backup was made with ${least}.`,
        );
      }
    }
    return rows;
  });
}

/** A migration that this release does not know was made by a newer one. */
async function checkSchema(url: string, superuserUrl: string): Promise<string> {
  const known = knownMigrations();
  const applied = await withClient(url, (client) =>
    client.query<{ name: string }>(
      'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY 1',
    ),
  );
  const unknown = applied.rows.map(({ name }) => name).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw refusal(
      'newer_schema',
      `The backup was made by a newer release (${unknown.join(', ')}): restore with that one.`,
    );
  }
  await migrate(PACKAGE_ROOT, await ownersUrl(url, superuserUrl));
  return known.at(-1) ?? '';
}

/** Another role than the service's may own the tables; over the socket that role needs no password. */
async function ownersUrl(url: string, superuserUrl: string): Promise<string> {
  const owner = await withClient(superuserUrl, async (client) => {
    const { rows } = await client.query<{ owner: string }>(
      `SELECT tableowner AS owner FROM pg_tables WHERE schemaname = 'public' AND tablename = '_prisma_migrations'`,
    );
    return rows[0]?.owner ?? '';
  });
  if (owner === decodeURIComponent(new URL(url).username)) return url;
  const owners = new URL(superuserUrl);
  owners.username = owner;
  return owners.href;
}

async function checkAudit(
  { backups, settings }: RecoveryTools,
  url: string,
  tell: () => void,
): Promise<CheckReport['audit']> {
  return withDatabase(url, async (db) => {
    const verifier = createSigner(settings.SECRET_KEY);
    const found = await verifyTrail({ db, store: backups, verifier }, tell);
    // Anchors of what came after the target speak of what is not there any more; all others must agree.
    if (!found.ok && found.reason !== 'tail_cut') {
      throw refusal(
        'check_failed',
        found.reason === 'key_unknown'
          ? `Keys that are not in SECRET_KEY have signed parts of the restored audit trail (${found.unknownKeys.join(', ')}), so it can't be checked: add them to SECRET_KEY after a comma.`
          : `The restored audit trail is broken at position ${found.firstBroken}: ${found.reason}.`,
      );
    }
    return { events: found.checked, anchors: found.anchors };
  });
}
