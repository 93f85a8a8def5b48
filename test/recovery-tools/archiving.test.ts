// The watch over the log's way into the repository, on a real cluster whose archive command is broken in the ways that
// PostgreSQL's own counter does not show.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { Registry } from 'prom-client';
import { createArchiving } from '../../api/archiving';
import { type ArchivingState, createArchivingWatch } from '../../ops/pgbackrest/archiving';
import { STALLED_AFTER_SECONDS } from '../../ops/pgbackrest/waiting-log';
import { readConfiguration } from '../../ops/runtime/configuration';
import { createLogger } from '../../ops/runtime/logging';
import { keepArchiving } from '../../worker/archiving';
import { openTestDatabase } from '../support/database';
import { type RecoveryHost, startRecoveryHost } from '../support/recovery-host';
import { until } from '../support/until';

let host: RecoveryHost;
/** In place of the archive command, from the next start of PostgreSQL on. */
let broken: string | null = null;
beforeAll(async () => {
  host = await startRecoveryHost({}, { archive: (command) => broken ?? command, migrated: false });
});
afterAll(() => host?.server.stop());

async function query(sql: string): Promise<pg.QueryResultRow[]> {
  const client = new pg.Client({ connectionString: host.environment.DATABASE_URL as string });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
const watch = (stalledAfterSeconds = 1) =>
  createArchivingWatch({ query, pgbackrest: host.tools.pgbackrest, hasSets: async () => false, stalledAfterSeconds });
const endSegment = () => query(`SELECT pg_logical_emit_message(true, 'test', 'x'), pg_switch_wal()`);

async function startWith(command: string | null): Promise<void> {
  broken = command;
  await host.server.stop();
  await host.server.startAgain();
}

function becomes(look: () => Promise<ArchivingState>, wanted: Partial<ArchivingState>): Promise<ArchivingState> {
  return until(`the watch says ${JSON.stringify(wanted)}`, async () => {
    const now = await look();
    return Object.entries(wanted).every(([name, value]) => now[name as keyof ArchivingState] === value) && now;
  });
}

it('is noticed within five minutes: a segment each minute, a look each half minute, and the time that it may wait', () => {
  expect(60 + 30 + STALLED_AFTER_SECONDS).toBeLessThan(300);
});

it('opens the stanza at first, and sees segments arrive', async () => {
  const look = watch();
  const [first] = await query('SELECT pg_walfile_name(pg_current_wal_lsn()) AS name');
  expect(await look()).toMatchObject({ state: 'unknown', reason: 'nothing_archived' });
  await endSegment();
  await becomes(look, { state: 'ok', newestSegment: first?.name });
});

describe('a command that PostgreSQL does not count as failed', () => {
  it.each([
    ['that a signal ends', 'kill -9 $$', 'segments_wait'],
    ['that does not exist', '/nowhere/pgbackrest archive-push "%p"', 'segments_wait'],
    ['that keeps nothing and says that it does', '/bin/true', 'not_in_repository'],
  ])('%s is noticed, and so is its end', async (_title, command, reason) => {
    await startWith(command);
    const look = watch();
    await look();
    await endSegment();
    const stalled = await becomes(look, { state: 'stalled', reason });
    const [archiver] = await query('SELECT failed_count::int AS failed FROM pg_stat_archiver');
    expect(archiver).toEqual({ failed: 0 });
    expect(stalled.lagSeconds).toBeGreaterThan(1);
    await startWith(null);
    await endSegment();
    const well = await becomes(look, { state: 'ok' });
    expect(Date.parse(well.since)).toBeGreaterThan(Date.parse(stalled.since));
  });
});

it('shows in the worker’s metrics and in what the API tells', async () => {
  const registry = new Registry();
  const stopping = new AbortController();
  const logger = createLogger('worker', 'silent');
  const settings = readConfiguration(host.environment);
  const kept = keepArchiving({ settings, registry, logger }, stopping.signal);
  const metrics = await until('it has looked', async () => {
    const text = await registry.metrics();
    return /^countersign_archiving_stalled 0$/m.test(text) && text;
  });
  expect(metrics).toMatch(/^countersign_archiving_lag_seconds 0/m);
  await until('it is recorded', () => host.tools.backups.has('archiving/state.json'));
  stopping.abort();
  await kept;
  const { db, drop } = openTestDatabase(settings.DATABASE_URL);
  const { backups } = host.tools;
  expect(await createArchiving(db, backups)()).toMatchObject({ state: 'ok', reason: null });
  await backups.delete('archiving/state.json');
  expect(await createArchiving(db, backups)()).toMatchObject({ state: 'unknown', reason: 'not_watched' });
  await drop();
});

describe('what cannot be looked at is never well', () => {
  it('a repository that was there and is gone is not made anew', async () => {
    rmSync(join((host.environment.BACKUP_URL ?? '').slice('file://'.length), 'pgbackrest'), { recursive: true });
    expect(await watch()()).toMatchObject({ state: 'stalled', reason: 'repository_missing' });
  });

  it('a database that is away', async () => {
    await host.server.stop();
    expect(await watch()()).toMatchObject({ state: 'unknown', reason: 'database_away', lagSeconds: null });
    const { db, drop } = openTestDatabase(host.environment.DATABASE_URL as string);
    expect(await createArchiving(db, host.tools.backups)()).toMatchObject({
      state: 'unknown',
      reason: 'database_away',
    });
    await drop();
    await host.server.startAgain();
  });
});
