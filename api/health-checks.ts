// Whether the API can work, and what it works without. Asked at most once a second, bounded in time.
import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import pg from 'pg';
import type { LedgerGate } from '../activities/erasure-ledger/gate';
import { OPEN_BREAKERS, type OpenBreaker } from '../activities/open-breakers';
import { knownMigrations } from '../ops/runtime/known-migrations';
import { ANSWERS_WITHIN_MS, NEVER_MIGRATED, pingTemporal, troubleOf } from '../ops/runtime/trouble';
import { wayOut, whyHeld } from '../workflows/contracts/held-mail';
import { MAIL_LANE } from '../workflows/contracts/lane';

const KEPT_MS = 1_000;
export interface Health {
  ready: boolean;
  checks: Record<string, string>;
  /** The services that fail; null if the database could not be asked. */
  open: OpenBreaker[] | null;
}

export interface HealthChecks {
  look(): Promise<Health>;
  close(): Promise<void>;
}

export interface HealthOptions {
  databaseUrl: string;
  redis: Redis | null;
  temporal: Client;
  gate: LedgerGate;
}

export function createHealthChecks({ databaseUrl, redis, temporal, gate }: HealthOptions): HealthChecks {
  // A connection of its own: that all others are busy does not make us unable to work.
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 1,
    connectionTimeoutMillis: ANSWERS_WITHIN_MS,
    query_timeout: ANSWERS_WITHIN_MS,
    application_name: 'countersign health',
  });
  pool.on('error', () => {});
  let kept: { health: Promise<Health>; until: number } | null = null;

  async function check(): Promise<Health> {
    const [database, cache, processes] = await Promise.all([
      checkDatabase(pool, gate),
      redis ? troubleOf(() => redis.ping()) : 'not configured',
      troubleOf(() => pingTemporal(temporal)),
    ]);
    const degraded = (trouble: string | null) => (trouble === null ? 'ready' : `degraded: ${trouble}`);
    const { mail: stopped, open, ...needed } = database;
    const { [MAIL_LANE]: failing, ...others } = describeOpen(open);
    // A hold or a pause says more than the trouble that it began in.
    const mail = stopped === 'ready' ? (failing ?? stopped) : stopped;
    return {
      ready: Object.values(needed).every((state) => state === 'ready'),
      checks: { ...needed, mail, ...others, redis: degraded(cache), temporal: degraded(processes) },
      open,
    };
  }

  return {
    look() {
      if (!kept || kept.until <= Date.now()) kept = { health: check(), until: Date.now() + KEPT_MS };
      return kept.health;
    },
    close: () => pool.end(),
  };
}

/** All but `mail` must be ready. */
type DatabaseChecks = Record<'database' | 'migrations' | 'erasureLedger' | 'mail', string> & Pick<Health, 'open'>;

async function checkDatabase(pool: pg.Pool, gate: LedgerGate): Promise<DatabaseChecks> {
  let applied: string[] = [];
  const trouble = await troubleOf(async () => {
    const { rows } = await pool.query(
      'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
    );
    applied = rows.map(({ name }) => name);
  });
  const unknown = (why: string) => ({
    migrations: `not_ready: ${why}`,
    erasureLedger: `not_ready: ${why}`,
    mail: `degraded: ${why}`,
    open: null,
  });
  if (trouble === NEVER_MIGRATED) return { database: 'ready', ...unknown(trouble) };
  if (trouble !== null) return { database: `not_ready: ${trouble}`, ...unknown('the database is away') };
  const missing = MIGRATIONS.filter((name) => !applied.includes(name)).length;
  if (missing > 0) return { database: 'ready', ...unknown(`${missing} to apply`) };
  return { database: 'ready', migrations: 'ready', ...(await checkInstance(pool, gate)) };
}

/** Nobody who has been erased is in a database that a restore has brought back; its mail is held until people have looked. */
async function checkInstance(
  pool: pg.Pool,
  gate: LedgerGate,
): Promise<Pick<DatabaseChecks, 'erasureLedger' | 'mail' | 'open'>> {
  let behind: string | null = null;
  let held: string | null = null;
  let paused = false;
  let open: OpenBreaker[] | null = null;
  const trouble = await troubleOf(async () => {
    const { rows } = await pool.query(
      `SELECT ledger_position AS position, restore_id AS "restoreId", held_code AS "heldCode", held_at AS "heldAt",
         EXISTS (SELECT 1 FROM lanes WHERE held) AS held,
         EXISTS (SELECT 1 FROM lanes WHERE name = '${MAIL_LANE}' AND paused_at IS NOT NULL) AS paused
       FROM instance WHERE id = 1`,
    );
    const [instance] = rows;
    if (instance?.held) held = describeHeld(instance);
    paused = instance?.paused ?? false;
    open = (await pool.query<OpenBreaker>(OPEN_BREAKERS)).rows;
    behind = await gate.trouble(instance?.position ?? 0);
  });
  const ledger = trouble ?? behind;
  return {
    erasureLedger: ledger === null ? 'ready' : `not_ready: ${ledger}`,
    mail: held ?? (trouble ? `degraded: ${trouble}` : paused ? 'degraded: paused by an operator' : 'ready'),
    open,
  };
}

/** Each service that fails. */
function describeOpen(open: OpenBreaker[] | null): Record<string, string> {
  return Object.fromEntries((open ?? []).map(({ service, code }) => [service, `degraded: ${code}`]));
}

function describeHeld({ restoreId, heldCode, heldAt }: { restoreId: string; heldCode: string | null; heldAt: Date }) {
  if (heldCode === null) return `degraded: held since restore ${restoreId}; see ops/restore.sh --lost`;
  return `held since ${heldAt.toISOString()}: ${whyHeld(heldCode)}; next: ${wayOut(heldCode)}`;
}

const MIGRATIONS = knownMigrations();
