// Measures what one draft leaves behind: events, bytes and Actions in Temporal, rows, bytes and write-ahead log in PostgreSQL.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { until } from '../../support/until';
import type { App } from '../apps/app';
import type { Countersign } from '../apps/countersign';
import { measureWindow } from '../closed-loop';
import type { Servers } from '../servers';
import { withClient } from './client';
import { costOfHistories, type HistoryCost } from './history';

/** Longer than the pause after a submission in which a decision joins the message that starts the process. */
const LATER_MS = 3_000;
const CONCURRENCY = 16;
const SAMPLE = 20;
const WARM_UP_SECONDS = 2;
/** A table grows by pages of 8 KB, so that few drafts would say little. */
const SECONDS = 15;
/** Those that grow with the drafts. */
const TABLES = ['drafts', 'revisions', 'verdicts', 'audit_events', 'audit_seals', 'mentions', 'outbox'];

export interface DraftCost {
  kind: string;
  drafts: number;
  /** Null: there is no workflow. */
  history: HistoryCost | null;
  /** Rows that are there afterwards, by table. */
  rows: Record<string, number>;
  /** Of tables with their indexes, packed. */
  bytes: Record<string, number>;
  wal: Wal;
  /** In the file of the development server. */
  temporalBytes: number;
}

interface Wal {
  recordBytes: number;
  /** Of whole pages, each written at its first change after a checkpoint: the fewer drafts between two, the more of them a draft. */
  pageBytes: number;
}

export function measureDraftCosts(
  countersign: Countersign,
  servers: Servers,
  progress: (line: string) => void,
): Promise<DraftCost[]> {
  const adminUrl = `${servers.postgres.url}${new URL(countersign.databaseUrl).pathname}`;
  return withClient(adminUrl, async (admin) => {
    await admin.query('CREATE EXTENSION IF NOT EXISTS pg_walinspect');
    return measure(admin, countersign, servers, progress);
  });
}

async function measure(
  client: pg.Client,
  { policy, people, client: temporal }: Countersign,
  servers: Servers,
  progress: (line: string) => void,
): Promise<DraftCost[]> {
  const later: App = { ...people, approve: (id) => delay(LATER_MS).then(() => people.approve?.(id)) };
  const kinds: [string, App][] = [
    ['approved by policy', policy],
    ['approved by a person at once', people],
    ['approved by a person later', later],
  ];
  const costs: DraftCost[] = [];
  for (const [kind, app] of kinds) {
    progress(`what a draft costs: ${kind}`);
    const run = async (seconds: number) => {
      const window = await measureWindow(app, servers.arrivals, CONCURRENCY, 'complete', seconds);
      await untilFollowed(client);
      return window;
    };
    await untilFollowed(client);
    const before = await sizes(client, servers);
    await client.query('CHECKPOINT');
    const { flows: first } = await run(WARM_UP_SECONDS);
    const begin = await logEnd(client);
    const { flows, ids } = await run(SECONDS);
    const end = await logEnd(client);
    const after = await sizes(client, servers);
    const drafts = first + flows;
    const byTable = (of: (one: Sizes) => Record<string, number>) =>
      Object.fromEntries(TABLES.map((table) => [table, ((of(after)[table] ?? 0) - (of(before)[table] ?? 0)) / drafts]));
    const workflows = ids.slice(-SAMPLE).map((id) => `draft-${id}`);
    costs.push({
      kind,
      drafts,
      history: app.approve ? await costOfHistories(temporal, workflows) : null,
      rows: byTable(({ rows }) => rows),
      bytes: byTable(({ bytes }) => bytes),
      wal: await readLog(client, begin, end, flows),
      temporalBytes: (after.temporalBytes - before.temporalBytes) / drafts,
    });
  }
  return costs;
}

interface Sizes {
  rows: Record<string, number>;
  bytes: Record<string, number>;
  temporalBytes: number;
}

/** Packs the tables first: how many dead rows they have in between depends on when they were vacuumed last. */
async function sizes(client: pg.Client, { folder }: Servers): Promise<Sizes> {
  await client.query(`VACUUM FULL ${TABLES.join(', ')}`);
  const rows: Record<string, number> = {};
  const bytes: Record<string, number> = {};
  for (const table of TABLES) {
    const { rows: found } = await client.query<{ count: number; bytes: string }>(
      `SELECT count(*)::int AS count, pg_total_relation_size('${table}') AS bytes FROM ${table}`,
    );
    rows[table] = found[0]?.count ?? 0;
    bytes[table] = Number(found[0]?.bytes);
  }
  const files = ['temporal.db', 'temporal.db-wal'].map((name) => fileSize(join(folder, 'temporal', name)));
  return { rows, bytes, temporalBytes: files.reduce((sum, one) => sum + one, 0) };
}

async function logEnd(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn() AS lsn');
  return rows[0]?.lsn ?? '';
}

/** Returns what lies between two places of the log, a draft. */
async function readLog(client: pg.Client, begin: string, end: string, drafts: number): Promise<Wal> {
  const { rows } = await client.query<Wal>(
    `SELECT sum(record_size)::float8 / $3 AS "recordBytes", sum(fpi_size)::float8 / $3 AS "pageBytes" FROM pg_get_wal_stats($1, $2)`,
    [begin, end, drafts],
  );
  return rows[0] as Wal;
}

/** Waits for what follows after the mails: the seals of the audit trail and the index of mentions. */
async function untilFollowed(client: pg.Client): Promise<void> {
  const unsealed = 'SELECT 1 FROM audit_events e LEFT JOIN audit_seals s ON s.event_id = e.id WHERE s.event_id IS NULL';
  for (const left of [unsealed, 'SELECT 1 FROM mentions_due'])
    await until('all is sealed and indexed', async () => (await client.query(`${left} LIMIT 1`)).rows.length === 0);
}

const fileSize = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
