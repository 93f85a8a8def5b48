// Whether what was restored is sound: its pages and indexes, its schema, its audit chain, its rows. What could not be checked
// is never sound.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { run } from '../../ops/local/binaries/programs';
import { migrate, withClient } from '../../ops/local/database';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { createSigner } from '../audit-trail/signatures';
import { verifyTrail } from '../audit-trail/verify';
import type { Manifest } from '../backup/manifest';
import { refusal } from './refusal';
import { withDatabase } from './rewound';

export interface CheckReport {
  amcheck: 'sound';
  schema: string;
  audit: { events: number; anchors: number };
  rows: Record<string, number>;
}

/** Throws a refusal with what is not sound. Brings an older schema up to this release's. */
export async function checkCluster(
  tools: RecoveryTools,
  url: string,
  manifest: Manifest,
  tell: () => void,
): Promise<CheckReport> {
  await checkPages(tools, url);
  tell();
  const rows = await checkRows(url, manifest.rows);
  tell();
  const schema = await checkSchema(url);
  tell();
  const audit = await checkAudit(tools, url, tell);
  return { amcheck: 'sound', schema, audit, rows };
}

async function checkPages({ host }: RecoveryTools, url: string): Promise<void> {
  const program = join(host.bin, 'pg_amcheck');
  if (!existsSync(program)) {
    throw refusal(
      'check_failed',
      `pg_amcheck is not there (${host.bin}), so nothing can be said about the pages: install PostgreSQL's contributed modules.`,
    );
  }
  const { hostname, port, username, password, pathname } = new URL(url);
  const env = { PATH: process.env.PATH, LC_ALL: 'C', PGPASSWORD: decodeURIComponent(password) };
  const place = ['--host', hostname, '--port', port, '--username', decodeURIComponent(username)];
  try {
    await run(program, [...place, '--install-missing', '--no-dependent-toast', pathname.slice(1)], { env, cwd: '/' });
  } catch (error) {
    throw refusal('check_failed', `The restored database is damaged: ${(error as Error).message.split('\n')[0]}`);
  }
  await withClient(url, (client) => client.query('DROP EXTENSION IF EXISTS amcheck'));
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
async function checkSchema(url: string): Promise<string> {
  const known = readdirSync(join(PACKAGE_ROOT, 'prisma', 'migrations'));
  const applied = await withClient(url, (client) =>
    client.query<{ name: string }>(
      'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY 1',
    ),
  );
  const unknown = applied.rows.map(({ name }) => name).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw refusal(
      'newer_schema',
      `The backup was made by a newer release (${unknown.join(', ')}): restore with that one.`,
    );
  }
  await migrate(PACKAGE_ROOT, url);
  return (
    known
      .filter((name) => /^\d/.test(name))
      .sort()
      .at(-1) ?? ''
  );
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
