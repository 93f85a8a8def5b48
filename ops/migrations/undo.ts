// Undoes migrations in one transaction, and observes what each of them removes.
import type pg from 'pg';
import { CommandFailed } from '../command';
import { type Migration, REFUSED } from './history';
import { readShape, type Shape } from './shape';

export interface Step {
  name: string;
  before: Shape;
  after: Shape;
  /** How many rows it deletes, by table; those of dropped tables do not count. */
  deleted: Record<string, number>;
}

/** A statement that waits for a table makes every later one wait too. */
const LOCK_TIMEOUT = '10s';

/** Undoes all of them, but takes everything back. */
export const rehearse = (client: pg.ClientBase, migrations: Migration[]) => run(client, migrations, 'ROLLBACK');

/** Undoes all of them, or none if one fails. The next `npm run migrate` applies them again. */
export const undo = (client: pg.ClientBase, migrations: Migration[]) => run(client, migrations, 'COMMIT');

/** @param migrations the newest first */
async function run(client: pg.ClientBase, migrations: Migration[], end: 'COMMIT' | 'ROLLBACK'): Promise<Step[]> {
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
    const steps: Step[] = [];
    for (const migration of migrations) steps.push(await takeStep(client, migration));
    await client.query(
      'UPDATE _prisma_migrations SET rolled_back_at = clock_timestamp() WHERE migration_name = ANY ($1) AND rolled_back_at IS NULL',
      [migrations.map(({ name }) => name)],
    );
    await client.query(end);
    return steps;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

async function takeStep(client: pg.ClientBase, { name, down }: Migration): Promise<Step> {
  const before = await readShape(client);
  const deletedBefore = await readDeleted(client);
  await runInside(client, down).catch((error) => {
    throw explainFailure(name, error);
  });
  const deleted: Record<string, number> = {};
  for (const [table, rows] of await readDeleted(client)) {
    const more = rows - (deletedBefore.get(table) ?? 0);
    if (more > 0) deleted[table] = more;
  }
  return { name, before, after: await readShape(client), deleted };
}

/** Runs SQL that can't end the transaction: PostgreSQL refuses COMMIT and ROLLBACK there. */
async function runInside(client: pg.ClientBase, sql: string): Promise<void> {
  await client.query(`SELECT set_config('countersign.down', $1, true)`, [sql]);
  await client.query(`DO $$ BEGIN EXECUTE current_setting('countersign.down'); END $$`);
}

/** Returns the rows that this transaction has deleted so far, by table. */
async function readDeleted(client: pg.ClientBase): Promise<Map<string, number>> {
  const { rows } = await client.query<{ table: string; deleted: number }>(
    'SELECT relname AS table, n_tup_del::int AS deleted FROM pg_stat_xact_user_tables WHERE n_tup_del > 0',
  );
  return new Map(rows.map(({ table, deleted }) => [table, deleted]));
}

/** PostgreSQL's error codes for a statement that works only outside of a transaction, or that would end ours. */
const NEEDS_NO_TRANSACTION = ['25001', '0A000', '2D000'];
const LOCK_NOT_AVAILABLE = '55P03';
const NO_RIGHT = '42501';

/** Repeats no message of PostgreSQL, which may quote a row. */
function explainFailure(name: string, error: pg.DatabaseError): CommandFailed {
  const { code = '' } = error;
  const file = `prisma/migrations/${name}/down.sql`;
  const fail = (id: string, why: string, exitCode?: number) =>
    new CommandFailed(id, `${file} ${why} Nothing was changed.`, exitCode);
  if (NEEDS_NO_TRANSACTION.includes(code)) {
    const why = `has a statement that no transaction can undo (${code}), for instance COMMIT or CONCURRENTLY. Write it without.`;
    return fail('not_transactional', why, REFUSED);
  }
  if (code === LOCK_NOT_AVAILABLE) {
    const why = `waited ${LOCK_TIMEOUT} for a table that another session uses. Stop the workers and the API, and try again.`;
    return fail('table_in_use', why);
  }
  if (code === NO_RIGHT) {
    return fail('no_right', 'needs a right that the role lacks (42501). Run it as the role that owns the tables.');
  }
  const where = ['table', 'column', 'constraint'].flatMap((part) => {
    const value = error[part as 'table' | 'column' | 'constraint'];
    return value ? [`${part} ${value}`] : [];
  });
  return fail('down_failed', `failed: ${[error.name, code, ...where].filter(Boolean).join(', ')}. Correct it.`);
}
