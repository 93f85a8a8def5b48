// Compares the services around the database with those that it remembers, to detect a move, a copy or a foreign restore.
import type { Client } from '@temporalio/client';
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { type Database, Prisma } from '../../prisma/client';
import type { HeldCode } from '../../workflows/contracts/held-mail';
import { parse, readObject } from '../audit-trail/stored-json';
import { sqlStateOf } from '../restore-points';
import { readNamespaceId } from '../rewind/journal-claims';

export interface Neighbours {
  /** The cluster's system identifier and the database's oid; null if the role may not read it. */
  databaseId: string | null;
  /** The timeline of the write-ahead log; null if the role may not read it. */
  timeline: number | null;
  backupStoreId: string;
  /** Null: there is no such namespace yet. */
  temporalNamespaceId: string | null;
}

export interface NeighbourSources {
  db: Database;
  /** Below BACKUP_URL. */
  backups: Pick<ObjectStore, 'get' | 'put'>;
  temporal: Client;
}

const STORE_KEY = 'store.json';
const StoreFile = z.object({ id: z.uuid() });

export async function readNeighbours({ db, backups, temporal }: NeighbourSources): Promise<Neighbours> {
  return {
    databaseId: await readDatabaseId(db),
    timeline: await readTimeline(db),
    backupStoreId:
      (await readStoreId(backups)) ??
      (await db.$transaction((tx) => ensureStoreId(tx as Database, backups), { timeout: 60_000 })),
    temporalNamespaceId: await readNamespaceId(temporal),
  };
}

/** Returns which of them differ from those that the database remembers, the gravest first. */
export async function findOthers(db: Database, now: Neighbours): Promise<HeldCode[]> {
  const known = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  const found: HeldCode[] = [];
  if (isOther(known.databaseId, now.databaseId)) found.push('other_database');
  if (isOther(known.backupStoreId, now.backupStoreId)) found.push('other_backup_store');
  if (isOther(known.temporalNamespaceId, now.temporalNamespaceId)) found.push('other_temporal');
  if (isOther(known.timeline, now.timeline)) found.push('other_timeline');
  return found;
}

/** Returns false for a neighbour that was not remembered, or can't be read. */
export const isOther = <T>(a: T | null, b: T | null): boolean => a !== null && b !== null && a !== b;

/** Makes the database remember these. The worker then starts all open processes in a Temporal that is new to it. */
export async function settleWith(db: Database, now: Neighbours): Promise<void> {
  const { databaseId, timeline, backupStoreId, temporalNamespaceId } = now;
  await db.instance.update({ where: { id: 1 }, data: { databaseId, timeline, backupStoreId } });
  await db.instance.updateMany({
    where: { id: 1, temporalNamespaceId: { not: temporalNamespaceId } },
    data: { temporalNamespaceId: null },
  });
}

/** Fills in what the database does not remember yet. worker/open-processes.ts writes Temporal's id. */
export async function remember(db: Database, { databaseId, timeline, backupStoreId }: Neighbours): Promise<void> {
  await db.instance.updateMany({
    where: { id: 1, OR: [{ databaseId: null }, { timeline: null }, { backupStoreId: null }] },
    data: { databaseId, timeline, backupStoreId },
  });
}

/** Returns null on servers that reserve the function for administrators. */
export async function readDatabaseId(db: Database): Promise<string | null> {
  return unlessUnavailable(async () => {
    const [row] = await db.$queryRaw<[{ id: string }]>`
      SELECT system_identifier || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) AS id
      FROM pg_control_system()`;
    return row.id;
  });
}

export async function readTimeline(db: Database): Promise<number | null> {
  return unlessUnavailable(async () => {
    const [row] = await db.$queryRaw<[{ timeline: number }]>`SELECT ${TIMELINE} AS timeline`;
    return row.timeline;
  });
}

/** The first eight digits of a WAL file's name. */
const TIMELINE = Prisma.sql`('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int`;

/** SQLSTATE: no right to call it, not supported, no such function, not now. Managed servers restrict or lack it. */
const UNAVAILABLE = ['42501', '0A000', '42883', '55000'];

async function unlessUnavailable<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (UNAVAILABLE.includes(sqlStateOf(error))) return null;
    throw error;
  }
}

/** Returns null if the store has no id yet. */
async function readStoreId(backups: Pick<ObjectStore, 'get'>): Promise<string | null> {
  const known = StoreFile.safeParse(parse((await readObject(backups, STORE_KEY)) ?? ''));
  return known.success ? known.data.id : null;
}

/** Writes the store's id once. The row lock lets one process of a database do so at a time. */
async function ensureStoreId(tx: Database, backups: NeighbourSources['backups']): Promise<string> {
  await tx.$executeRaw`SELECT 1 FROM instance WHERE id = 1 FOR UPDATE`;
  const known = await readStoreId(backups);
  if (known) return known;
  const id = uuidv7();
  await backups.put(STORE_KEY, Buffer.from(`${JSON.stringify({ id })}\n`), { type: 'application/json' });
  return id;
}
