// The one database client: Prisma over one pool that keeps 20 connections and grows to 30.
import { createHash } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Configuration } from '../ops/runtime/configuration';
import { Prisma, PrismaClient } from './generated/client';

export { Prisma };

/**
 * An expression that lets its transaction commit without waiting for the disk: for what a crash may undo without harm.
 * It must be evaluated, so it stands where a row is computed.
 */
export const NOT_SYNCED = Prisma.sql`set_config('synchronous_commit', 'off', true)`;

/** Which server answers, and since when it runs: another one may have another past. */
export const SERVER = Prisma.sql`(SELECT extract(epoch FROM pg_postmaster_start_time()) || '/' || oid FROM pg_database WHERE datname = current_database())`;

/** For `to_char` of a time in UTC: as JavaScript writes it. */
export const ISO_8601 = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';

/** Made as RFC 9562 says: the time in milliseconds, then chance. */
export const UUIDV7 = Prisma.sql`encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid`;

export type Database = PrismaClient;
export type DatabaseSettings = Pick<
  Configuration,
  'DATABASE_URL' | 'DB_POOL_SIZE' | 'DB_POOL_OVERFLOW' | 'DB_POOL_TIMEOUT_SECONDS' | 'DB_POOL_RECYCLE_SECONDS'
>;

/**
 * Opens no connection yet. `pool` is for its numbers (`totalCount`, `idleCount`, `waitingCount`) and its end.
 * @param statementTimeoutMs PostgreSQL cancels a statement that takes longer; 0: it cancels none
 */
export function createDatabase(
  settings: DatabaseSettings,
  statementTimeoutMs = 0,
): { db: Database; pool: pg.Pool; close(): Promise<void> } {
  const pool = new pg.Pool({
    connectionString: settings.DATABASE_URL,
    min: settings.DB_POOL_SIZE,
    max: settings.DB_POOL_SIZE + settings.DB_POOL_OVERFLOW,
    connectionTimeoutMillis: settings.DB_POOL_TIMEOUT_SECONDS * 1000,
    maxLifetimeSeconds: settings.DB_POOL_RECYCLE_SECONDS,
    idleTimeoutMillis: 10_000,
    application_name: 'countersign',
    ...(statementTimeoutMs > 0 ? { statement_timeout: statementTimeoutMs } : {}),
  });
  // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {});
  // A statement is planned once a connection: its name is its text's hash.
  const statementNameGenerator = ({ sql }: { sql: string }) => createHash('md5').update(sql).digest('base64url');
  const db = new PrismaClient({
    adapter: new PrismaPg(pool, { statementNameGenerator }),
    transactionOptions: { maxWait: settings.DB_POOL_TIMEOUT_SECONDS * 1000 },
  });
  return {
    db,
    pool,
    async close() {
      await db.$disconnect();
      await pool.end();
    },
  };
}
