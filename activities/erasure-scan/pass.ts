// Makes one scan serve every erasure that waits for one: a pass takes those whose purge is over, reads everything once, and
// records for each what it found.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { type Database, Prisma } from '../../prisma/client';
import type { ScanSummary } from '../../workflows/contracts/user-erasure';
import { recordEvent } from '../commands/audit';
import { SYSTEM } from '../commands/context';
import type { MentionIndex } from '../mention-index';
import type { Scan, ScanReport, Subject } from './index';

/** One pass at a time, whichever process makes it. */
const LOCK = 7_305_220;
const ASKS_EACH_MS = 250;
/** Erasures that have begun shortly before may join the pass that is about to begin; one that a store holds up may not. */
const GATHERS_MS = 30_000;
const BEGUN_WITHIN_MS = 120_000;
/** Stores up to this size take a few seconds to read: every erasure may scan them without waiting for SCAN_INTERVAL. */
const SMALL_BYTES = 256 * 1024 * 1024;

export interface PassDependencies {
  db: Database;
  databaseUrl: string;
  index: Pick<MentionIndex, 'catchUp'>;
  scan: Scan;
  intervalSeconds: number;
  /** @returns null where the erasure has ended */
  subjectOf(requestId: string): Promise<Subject | null>;
}

export interface ScanPasses {
  /** Joins a pass or makes one. @returns what was found since the erasure's last purge */
  scanFor(requestId: string, beat: () => void): Promise<ScanSummary>;
  /** @returns when the next pass may begin, null for at once */
  nextAt(): Promise<Date | null>;
}

export function createScanPasses(dependencies: PassDependencies): ScanPasses {
  const { db, databaseUrl, intervalSeconds } = dependencies;

  return {
    async scanFor(requestId, beat) {
      for (;;) {
        beat();
        const row = await db.erasure.findUnique({ where: { id: requestId }, select: { status: true, scan: true } });
        if (row?.status !== 'scanning') return { needles: 0, sources: [] };
        if (row.scan) return toSummary(row.scan as unknown as RecordedScan);
        const made = !(await isMaking(db)) && (await whileAlone(databaseUrl, () => makePass(dependencies, beat)));
        if (!made) await delay(ASKS_EACH_MS);
      }
    },

    async nextAt() {
      const last = await db.scanPass.findFirst({ orderBy: { startedAt: 'desc' } });
      if (!last || last.bytes <= SMALL_BYTES) return null;
      const next = new Date(last.startedAt.getTime() + intervalSeconds * 1000);
      return next > new Date() ? next : null;
    },
  };
}

/** As the row has it: with the places, which no history needs. */
export interface RecordedScan extends ScanSummary {
  places: Record<string, string[]>;
}

export const toSummary = ({ places: _, ...summary }: RecordedScan): ScanSummary => summary;

/** Asked before a connection is opened for the lock: many erasures may wait for one pass. */
async function isMaking(db: Database): Promise<boolean> {
  const [{ making }] = await db.$queryRaw<[{ making: boolean }]>`
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = ${LOCK}::bigint::oid AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS making`;
  return making;
}

/** @returns whether it was this process's turn */
async function whileAlone(connectionString: string, work: () => Promise<void>): Promise<boolean> {
  const client = new pg.Client({ connectionString, application_name: 'countersign scan lock' });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ isOurs: boolean }>('SELECT pg_try_advisory_lock($1) AS "isOurs"', [LOCK]);
    if (!rows[0]?.isOurs) return false;
    await work();
    return true;
  } finally {
    await client.end();
  }
}

async function makePass({ db, index, scan, subjectOf }: PassDependencies, beat: () => void): Promise<void> {
  await gather(db, beat);
  // Once the index has caught up, it no longer lists the rows from which a purge has removed the person.
  await index.catchUp(beat);
  const startedAt = new Date();
  const waiting = await db.erasure.findMany({
    where: { status: 'scanning', scan: { equals: Prisma.DbNull } },
    orderBy: { id: 'asc' },
    select: { id: true, version: true },
  });
  const known = await Promise.all(waiting.map(async (one) => ({ ...one, subject: await subjectOf(one.id) })));
  const scanned = known.flatMap(({ subject, ...one }) => (subject ? [{ ...one, subject }] : []));
  if (scanned.length === 0) return;
  const reports = await scan(
    scanned.map(({ subject }) => subject),
    beat,
  );
  const finishedAt = new Date();
  const bytes = reports[0]?.sources.reduce((sum, source) => sum + source.bytes, 0) ?? 0;
  const pass = { erasures: scanned.length, startedAt, finishedAt };
  for (const [n, { id, version }] of scanned.entries()) {
    await record(db, { id, version }, reports[n] as ScanReport, pass);
  }
  await db.scanPass.create({ data: { id: uuidv7(), bytes: BigInt(bytes), ...pass } });
  await db.scanPass.deleteMany({ where: { startedAt: { lt: new Date(startedAt.getTime() - YEAR_MS) } } });
}

const YEAR_MS = 366 * 86_400_000;

async function gather(db: Database, beat: () => void): Promise<void> {
  for (const until = Date.now() + GATHERS_MS; Date.now() < until; await delay(ASKS_EACH_MS)) {
    const [{ coming }] = await db.$queryRaw<[{ coming: boolean }]>`
      SELECT EXISTS (
        SELECT FROM erasures WHERE ended_at IS NULL AND CASE status
          WHEN 'erasing' THEN begun_at WHEN 'waiting' THEN least(confirmed_at, grace_until) END
          BETWEEN clock_timestamp() - make_interval(secs => ${BEGUN_WITHIN_MS / 1_000}::float8) AND clock_timestamp()
      ) AS coming`;
    if (!coming) return;
    beat();
  }
}

/** Unless the erasure has gone on meanwhile, by a restore for instance. */
async function record(
  db: Database,
  { id, version }: { id: string; version: number },
  { needles, sources }: ScanReport,
  pass: { erasures: number; startedAt: Date; finishedAt: Date },
): Promise<void> {
  const summary: RecordedScan = {
    needles,
    places: Object.fromEntries(sources.map(({ source, places }) => [source, places])),
    sources: sources.map(({ places: _, ...counts }) => counts),
    pass: { ...pass, startedAt: pass.startedAt.toISOString(), finishedAt: pass.finishedAt.toISOString() },
  };
  await db.$transaction(async (tx) => {
    const { count } = await tx.erasure.updateMany({
      where: { id, version, status: 'scanning' },
      data: { scan: summary as unknown as Prisma.InputJsonObject },
    });
    if (count === 0) return;
    for (const { source, findings } of sources.filter((one) => one.findings > 0)) {
      const event = { type: 'erasure.found', subject: 'erasure', subjectId: id, data: { source, findings } };
      await recordEvent(tx as Database, { actor: SYSTEM, requestId: uuidv7() }, event);
    }
  });
}
