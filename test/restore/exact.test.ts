// Point-in-time recovery is exact at the boundaries of commits: by their own times, to the microsecond.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { withCluster } from '../../activities/restore/cluster';
import { onServer } from '../support/database';
import { isLongRun } from '../support/servers';
import { until } from '../support/until';
import { makeDatabaseSet } from './database-set';
import { query, RestoringHost } from './restoring-host';

jest.setTimeout(900_000);

const COMMITS = isLongRun ? 2_000 : 300;
const TARGETS = isLongRun ? 20 : 2;
/** Kept over several segments of the log. */
const SEGMENTS = 3;

let place: RestoringHost;

beforeAll(async () => {
  place = await RestoringHost.start();
  await onServer(place.host.postgres.url, 'ALTER SYSTEM SET track_commit_timestamp = on');
  const before = place.host.pid();
  process.kill(before, 'SIGINT');
  await until('PostgreSQL is started again', async () =>
    place.host.pid() === before ? null : place.sql('SHOW track_commit_timestamp').catch(() => null),
  );
});
afterAll(() => place?.close());

/** Each of two rows. @returns their times in microseconds, in order */
async function commitMany(): Promise<bigint[]> {
  const client = new pg.Client({ connectionString: place.tools.settings.DATABASE_URL });
  await client.connect();
  try {
    for (let n = 0; n < COMMITS; n++) {
      await client.query('BEGIN');
      await client.query('INSERT INTO exact VALUES ($1, 1)', [n]);
      await client.query('INSERT INTO exact VALUES ($1, 2)', [n]);
      await client.query('COMMIT');
      if (n % Math.ceil(COMMITS / SEGMENTS) === 0) await client.query('SELECT pg_switch_wal()');
      // Some right after each other, some with a pause.
      if (Math.random() < 0.2) await delay(Math.random() * 5);
    }
    const { rows } = await client.query<{ at: string }>(
      'SELECT (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint::text AS at FROM exact WHERE part = 1 ORDER BY n',
    );
    return rows.map(({ at }) => BigInt(at));
  } finally {
    await client.end();
  }
}

const toTime = (micros: bigint) =>
  new Date(Number(micros / 1000n)).toISOString().replace('Z', `${String(micros % 1000n).padStart(3, '0')}Z`);

test('exactly the commits up to the target are there, whole, and not one more', async () => {
  await place.sql('CREATE TABLE exact (n int, part int)');
  await makeDatabaseSet(place.tools);
  const times = await commitMany();
  expect(times).toHaveLength(COMMITS);

  for (let i = 0; i < TARGETS; i++) {
    const boundary = 1 + Math.floor(Math.random() * (COMMITS - 2));
    // At the commit, and one microsecond before it.
    const target = (times[boundary] as bigint) - BigInt(i % 2);
    const wanted = times.filter((at) => at <= target).length;
    const restoring = await place.bring({ from: 'latest', time: toTime(target) });
    const name = `data-${restoring.restoreId}`;
    const found = await withCluster(place.tools, name, (url) =>
      query<{ n: number; parts: number }>(url, 'SELECT n, count(*)::int AS parts FROM exact GROUP BY n ORDER BY n'),
    );
    expect({ target: toTime(target), found }).toEqual({
      target: toTime(target),
      found: Array.from({ length: wanted }, (_, n) => ({ n, parts: 2 })),
    });
    await place.run(place.steps.discardRestored, restoring.restoreId);
  }
});

interface Tick {
  at: string;
}
/** In microseconds. */
const AT = `to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`;
const toText = ({ at }: Tick) => at;

test('a set that was made while others committed can be restored to the very moment at which it ends', async () => {
  await place.sql('CREATE TABLE ticks (at timestamptz DEFAULT clock_timestamp())');
  const making = makeDatabaseSet(place.tools);
  let isEnding = false;
  const ticks: string[] = [];
  const ticking = (async () => {
    while (!isEnding)
      ticks.push(...(await place.sql<Tick>(`INSERT INTO ticks DEFAULT VALUES RETURNING ${AT}`)).map(toText));
  })();
  const { postgres } = await making;
  const end = new Date(postgres?.stoppedAt ?? 0);
  await delay(Math.max(end.getTime() - Date.now(), 0) + 100);
  isEnding = true;
  await ticking;

  const restoring = await place.bring({ from: 'latest', time: end.toISOString() });
  const found = await withCluster(place.tools, `data-${restoring.restoreId}`, (url) =>
    query<Tick>(url, `SELECT ${AT} FROM ticks ORDER BY at`),
  );
  const wanted = ticks.filter((at) => at <= end.toISOString().replace('Z', '000Z'));
  expect(wanted.length).toBeGreaterThan(0);
  expect(wanted.length).toBeLessThan(ticks.length);
  // The last one may have been committed after it.
  expect([wanted, wanted.slice(0, -1)]).toContainEqual(found.map(toText));
  await place.run(place.steps.discardRestored, restoring.restoreId);
});
