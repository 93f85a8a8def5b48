// Makes sure that only one process changes the schema at a time.
import type pg from 'pg';

/** The advisory lock that `prisma migrate deploy` holds while it works (prisma/migration-adapter.mjs). */
const MIGRATION_LOCK = 72707369;

/** Takes the lock for the rest of the session, after any other process that migrates. */
export async function lockMigrations(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query('SELECT pg_try_advisory_lock($1) AS taken', [MIGRATION_LOCK]);
  if (rows[0]?.taken) return;
  console.error('Another process migrates this database. Waiting for its end.');
  await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
}
