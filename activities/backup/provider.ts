// Describes the database of a set that a provider backs up: the time to which the provider has to restore it.
import type { Database } from '../../prisma/client';
import { readDatabaseId, readTimeline } from '../continuity/neighbours';
import type { ProviderPart } from './manifest';

export async function describeProvided(db: Database): Promise<ProviderPart> {
  const [now] = await db.$queryRaw<[{ at: Date; lsn: string }]>`
    SELECT clock_timestamp() AS at, pg_current_wal_lsn()::text AS lsn`;
  return {
    at: now.at.toISOString(),
    lsn: now.lsn,
    timeline: await readTimeline(db),
    databaseId: await readDatabaseId(db),
  };
}
