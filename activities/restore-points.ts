// Named points in the database's log, made before something is removed: a restore can go back to just before it. Beside the
// backups stands what a name means; ids and codes only.
import { z } from 'zod';
import type { Logger } from '../ops/runtime/logging';
import { ForeignObject, getSigned, nullIfForeign, putSigned, type SignedStore } from '../ops/runtime/signed-store';
import type { Database } from '../prisma/client';
import type { ExclusiveProcess } from '../workflows/contracts/operations';
import { beating } from './beating';

export const RESTORE_POINTS_FOLDER = 'restore-points/';
/** insufficient_privilege; object_not_in_prerequisite_state: `wal_level` is minimal. */
const MAY_NOT = ['42501', '55000'];

export interface RestorePoint {
  /** PostgreSQL's log knows it by this name. */
  name: string;
  process: ExclusiveProcess;
  /** Of the erasure, or of the run of retention. */
  id: string;
  /** By the database's clock. */
  at: string;
  /** Null where the database's role may not name a point: then `at` is what there is to go back to. */
  lsn: string | null;
  timeline: number | null;
}

const Point = z.object({
  name: z.string(),
  process: z.string(),
  id: z.string(),
  at: z.iso.datetime(),
  lsn: z.string().nullable(),
  timeline: z.int().nullable(),
});

export const restorePointName = (id: string) => `before-${id}`;
export const restorePointKey = (name: string) => `${RESTORE_POINTS_FOLDER}${name}.json`;

export interface RestorePointDependencies {
  db: Database;
  backups: SignedStore;
}

/** Warns, at the worker's start, if the database's role may not name a point. */
export async function checkRestorePoints(db: Database, logger: Logger): Promise<void> {
  const [{ may }] = await db.$queryRaw<[{ may: boolean }]>`
    SELECT has_function_privilege('pg_create_restore_point(text)', 'EXECUTE') AND current_setting('wal_level') <> 'minimal' AS may`;
  if (!may) {
    logger.warn(
      'Erasures and retention leave no restore points: run ops/postgres/grants.sql in this database (docs/backup.md)',
    );
  }
}

/** The first of its name stays: what comes after it may have been removed already. */
export async function createRestorePoint(
  { db, backups }: RestorePointDependencies,
  { name, process, id }: Pick<RestorePoint, 'name' | 'process' | 'id'>,
): Promise<void> {
  if (await readRestorePoint(backups, name).catch(nullIfForeign)) return;
  const marked = await markLog(db, name).catch(async (err) => {
    if (!MAY_NOT.includes(sqlStateOf(err))) throw err;
    const [now] = await db.$queryRaw<[{ at: Date }]>`SELECT clock_timestamp() AS at`;
    return { ...now, lsn: null, timeline: null };
  });
  const point: RestorePoint = { name, process, id, ...marked, at: marked.at.toISOString() };
  await putSigned(backups, restorePointKey(name), point);
}

async function markLog(db: Database, name: string) {
  // The time first: what commits after it and before the point is there in either case.
  const [marked] = await db.$queryRaw<[{ at: Date; lsn: string; timeline: number }]>`
    SELECT at, lsn::text, ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int AS timeline
    FROM (SELECT clock_timestamp() AS at, pg_create_restore_point(${name}) AS lsn) AS marked`;
  return marked;
}

/** Returns null if there is none of this name. Throws ForeignObject. */
export async function readRestorePoint(
  backups: Pick<SignedStore, 'get' | 'signer'>,
  name: string,
): Promise<RestorePoint | null> {
  const found = await getSigned(backups, restorePointKey(name));
  if (found === null) return null;
  const point = Point.safeParse(found);
  if (!point.success || point.data.name !== name) {
    throw new ForeignObject(restorePointKey(name), 'is no restore point of this release');
  }
  return point.data as RestorePoint;
}

/** Removes those that no backup reaches any more, and leaves what is not ours. @returns how many */
export async function pruneRestorePoints(backups: SignedStore, before: Date): Promise<number> {
  const old: string[] = [];
  for await (const key of backups.list(RESTORE_POINTS_FOLDER)) {
    const name = key.slice(RESTORE_POINTS_FOLDER.length, -'.json'.length);
    const point = await readRestorePoint(backups, name).catch(nullIfForeign);
    if (point && new Date(point.at) < before) old.push(key);
  }
  for (const key of old) await backups.delete(key);
  return old.length;
}

export interface RestorePointActivities {
  /** Before anything goes. Repeats do no harm. */
  markRestorePoint(what: Pick<RestorePoint, 'process' | 'id'>): Promise<void>;
}

export const createRestorePointActivities = (dependencies: RestorePointDependencies): RestorePointActivities => ({
  markRestorePoint: ({ process, id }) =>
    beating(() => createRestorePoint(dependencies, { name: restorePointName(id), process, id })),
});

/** Returns the SQLSTATE of what a raw query threw; empty if there is none. */
export const sqlStateOf = (error: unknown): string =>
  (error as { meta?: { driverAdapterError?: { cause?: { originalCode?: string } } } } | null)?.meta?.driverAdapterError
    ?.cause?.originalCode ?? '';
