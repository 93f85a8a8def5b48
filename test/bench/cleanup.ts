// Old drafts by the hundred thousand are erased by a real worker while requests come at a fixed rate; beside it, the same
// requests without the cleanup.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Aim, below } from './aims';
import type { App } from './apps/app';
import type { Countersign } from './apps/countersign';
import { now } from './clock';
import { newRecipient } from './closed-loop';
import { type Percentiles, percentiles } from './percentiles';
import { peakMemory } from './process-numbers';

const REQUESTS_PER_SECOND = 50;
const QUIET_MS = 30_000;
const SAMPLES_EACH_MS = 10;
const LOOKS_EACH_MS = 500;

export interface Load {
  createMs: Percentiles;
  errors: string[];
}

interface Run {
  id: string;
  status: string;
  drafts: number;
  startedAt: string;
  finishedAt: string | null;
}

export interface Cleanup {
  rows: number;
  status: string;
  erased: number;
  seconds: number;
  rowsPerSecond: number;
  /** As sampled: it may have lasted a few milliseconds more. */
  longestTransactionMs: number;
  workerPeakMb: { before: number | null; after: number | null };
  without: Load;
  during: Load;
  aims: Aim[];
}

export async function measureCleanup(
  { policy, databaseUrl, asAdmin }: Countersign,
  rows: number,
  progress: (line: string) => void,
): Promise<Cleanup> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  progress(`making ${rows} old drafts`);
  await plant(client, rows);
  const worker = policy.processes.find(({ name }) => name.endsWith('worker'));
  const peak = () => (worker ? peakMemory(worker.pid()) : null);

  progress('requests without a cleanup');
  const without = await offerLoad(policy, delay(QUIET_MS));
  const before = peak();
  progress('requests and the cleanup');
  let longestTransactionMs = 0;
  let isOver = false;
  const sampled = (async () => {
    for (; !isOver; await delay(SAMPLES_EACH_MS))
      longestTransactionMs = Math.max(longestTransactionMs, await longestNow(client));
  })();
  const cleaned = cleanUp(asAdmin, progress);
  const during = await offerLoad(policy, cleaned);
  const { status, drafts, startedAt, finishedAt } = await cleaned;
  isOver = true;
  await sampled;
  await client.end();
  const seconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt)) / 1000;
  return {
    rows,
    status,
    erased: drafts,
    seconds,
    rowsPerSecond: drafts / seconds,
    longestTransactionMs,
    workerPeakMb: { before, after: peak() },
    without,
    during,
    aims: [
      below('drafts left', rows - drafts, 1),
      below('longest transaction, ms', longestTransactionMs, 1_000),
      below('create p99 during the cleanup, ms', during.createMs.p99, 250),
      below('errors', without.errors.length + during.errors.length, 1),
    ],
  };
}

async function cleanUp(asAdmin: Countersign['asAdmin'], progress: (line: string) => void): Promise<Run> {
  let run = await asAdmin<Run>('POST', '/api/gdpr/cleanup-old-drafts', {});
  for (let looks = 1; run.status === 'running'; looks++) {
    await delay(LOOKS_EACH_MS);
    run = await asAdmin<Run>('GET', `/api/gdpr/cleanups/${run.id}`);
    if (looks % 20 === 0) progress(`${run.drafts} erased`);
  }
  return run;
}

/** Drafts at a fixed rate until `end`, timed from when each was due. */
export async function offerLoad({ create }: App, end: Promise<unknown>): Promise<Load> {
  const createMs: number[] = [];
  const errors: string[] = [];
  const running: Promise<void>[] = [];
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  void end.then(over, over);
  for (let due = now(); !isOver; due += 1_000 / REQUESTS_PER_SECOND) {
    if (due > now()) await delay(due - now());
    running.push(
      create(newRecipient('cleanup')).then(
        () => void createMs.push(now() - due),
        (error: Error) => void errors.push(error.message),
      ),
    );
  }
  await Promise.all(running);
  return { createMs: percentiles(createMs), errors: [...new Set(errors)].slice(0, 10) };
}

/** Only a batch of retention holds this lock. */
async function longestNow(client: pg.Client): Promise<number> {
  const { rows } = await client.query(`
    SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 * 1000 AS ms FROM pg_stat_activity
    WHERE pid IN (SELECT pid FROM pg_locks WHERE relation = 'legal_holds'::regclass AND mode = 'ShareLock' AND granted)`);
  return rows[0].ms;
}

/** Of the last two years, but for what is younger than 91 days. */
export async function plant(client: pg.Client, rows: number): Promise<void> {
  await client.query(`
    CREATE TEMP TABLE old AS SELECT gen_random_uuid() AS id, i, (SELECT id FROM principals ORDER BY created_at DESC LIMIT 1) AS author,
      date_trunc('milliseconds', now() - interval '91 days' - random() * interval '700 days') AS at FROM generate_series(1, ${rows}) i;
    INSERT INTO drafts (id, status, author_id, "to", recipient_hashes, decision, created_at, updated_at, needs_people, sent_at, outcome, message_id)
      SELECT id, 'sent', author, 'old-' || i || '@example.test', ARRAY[sha256(i::text::bytea)],
        '{"outcome": "require", "policyVersion": 1, "reasons": [], "required": 1}', at, at, true, at, 'delivered', '<' || id || '@example.test>' FROM old;
    INSERT INTO revisions (draft_id, revision, subject, body, editor_id, content_hash, created_at)
      SELECT id, 1, 'The figures you asked for', repeat('All is well. ', 75), author, sha256(i::text::bytea), at FROM old;
    INSERT INTO verdicts (id, draft_id, revision, principal_id, verdict, comment, at)
      SELECT gen_random_uuid(), id, 1, author, 'approve', 'well said', at + interval '1 minute' FROM old;
    DROP TABLE old;`);
  await client.query('VACUUM ANALYZE');
}
