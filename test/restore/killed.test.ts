// A restore in which the worker, PostgreSQL or pgBackRest are killed at any point: it ends well, at every moment one database
// takes writes, and nothing is left over.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { withCluster } from '../../activities/restore/cluster';
import { listRecords } from '../../activities/restore/records';
import { livingName } from '../../ops/local/clusters';
import type { restore } from '../../workflows';
import { progress, type RestoreResult, type RestoreStep, restoreWorkflowId } from '../../workflows/contracts/restore';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import type { ServiceProcess } from '../support/processes';
import { isLongRun } from '../support/servers';
import { until } from '../support/until';
import { makeDatabaseSet } from './database-set';
import { query, RestoringHost } from './restoring-host';

jest.setTimeout(3_600_000);

type Victim = 'worker' | 'postgres' | 'pgbackrest';
type Strike = { victim: Victim; step: RestoreStep };

const STEPS: RestoreStep[] = ['preflight', 'postgres', 'recover', 'check', 'rewind', 'switch', 'lost'];
const any = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)] as T;
/** pgBackRest works in two of the steps, and keeps the log all the time. */
const stepsOf = (victim: Victim) => (victim === 'pgbackrest' ? (['preflight', 'postgres'] as const) : STEPS);
/** Each restore with its strikes. */
const RESTORES: Strike[][] = isLongRun
  ? (['worker', 'postgres', 'pgbackrest'] as const).flatMap((victim) =>
      Array.from({ length: 10 }, (_, i) => [{ victim, step: stepsOf(victim)[i] ?? any(stepsOf(victim)) }]),
    )
  : [
      [
        { victim: 'pgbackrest', step: 'postgres' },
        { victim: any(['worker', 'postgres'] as const), step: 'switch' },
      ],
    ];
const LATER_MS = isLongRun ? 1_500 : 500;
const ENDS_WITHIN_MS = 300_000;

let place: RestoringHost;
let worker: ServiceProcess;

beforeAll(async () => {
  place = await RestoringHost.start();
  startWorker();
  await place.sql('CREATE TABLE counted (n int PRIMARY KEY, generation int NOT NULL)');
  await makeDatabaseSet(place.tools);
});
afterAll(() => place?.close());

function startWorker(): void {
  worker = place.startWorker({ WORKER_METRICS_PORT: '0' });
}

interface Acknowledged {
  n: number;
  generation: number;
}

/** Commits all the time, through every loss of the database. What was acknowledged counts. */
class Writer {
  readonly acknowledged: Acknowledged[] = [];
  private static next = 0;
  private isStopped = false;
  private readonly work = this.go();

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.work;
  }

  private async go(): Promise<void> {
    while (!this.isStopped) {
      const client = new pg.Client({
        connectionString: place.tools.settings.DATABASE_URL,
        connectionTimeoutMillis: 2_000,
        query_timeout: 5_000,
      });
      client.on('error', () => {});
      try {
        await client.connect();
        while (!this.isStopped) await this.write(client);
      } catch {
        await delay(20);
      } finally {
        // A backend whose postmaster was killed may never answer.
        await Promise.race([client.end(), delay(1_000)]).catch(() => {});
      }
    }
  }

  private async write(client: pg.Client): Promise<void> {
    const n = Writer.next++;
    const { rows } = await client.query<Acknowledged>(
      'INSERT INTO counted SELECT $1, generation FROM instance RETURNING n, generation',
      [n],
    );
    this.acknowledged.push(rows[0] as Acknowledged);
    await delay(2);
  }
}

const listProcesses = () =>
  execFileSync('ps', ['-ww', '-eo', 'pid=,args='], { encoding: 'utf8', maxBuffer: 2 ** 26 })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(.*)$/.exec(line))
    .filter((found) => found !== null)
    .map(([, pid, command = '']) => ({ pid: Number(pid), command }));

const ofPgBackRest = () =>
  listProcesses().filter(({ command }) => /^\S*pgbackrest /.test(command) && command.includes(place.host.folder));

async function strike({ victim, step }: Strike, hasBegun: (step: RestoreStep) => Promise<boolean>): Promise<void> {
  await until(`${step} has begun`, () => hasBegun(step), ENDS_WITHIN_MS);
  if (victim === 'pgbackrest') {
    const found = await until('pgBackRest works', () => (ofPgBackRest().length > 0 ? ofPgBackRest() : null));
    for (const { pid } of found) endIfThere(pid);
    return;
  }
  await delay(Math.random() * LATER_MS);
  if (victim === 'postgres') return endIfThere(place.host.pid());
  await worker.kill();
  startWorker();
}

function endIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function restoreStruck(strikes: readonly Strike[]): Promise<RestoreResult> {
  const restoreId = uuidv7();
  const handle = await place.temporal.client.workflow.start<typeof restore>('restore', {
    workflowId: restoreWorkflowId(restoreId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ restoreId, target: { from: 'latest' }, yes: true }],
  });
  const told = () => handle.query(progress).catch(() => null);
  const hasBegun = async (step: RestoreStep) => {
    const now = await told();
    return Boolean(now?.finishedAt) || (now?.steps.some((one) => one.step === step) ?? false);
  };
  for (const one of strikes) await strike(one, hasBegun);
  return handle.result();
}

async function expectOneDatabase(acknowledged: readonly Acknowledged[], { generation, previous }: RestoreResult) {
  const generations = acknowledged.map((one) => one.generation);
  expect(generations).toEqual(generations.toSorted((a, b) => a - b));
  const news = acknowledged.filter((one) => one.generation === generation).map(({ n }) => n);
  const olds = acknowledged.filter((one) => one.generation === (generation ?? 0) - 1).map(({ n }) => n);
  expect(news.length + olds.length).toBe(acknowledged.length);
  const missing = (numbers: number[], rows: { n: number }[]) => {
    const there = new Set(rows.map(({ n }) => n));
    return numbers.filter((n) => !there.has(n));
  };
  const all = 'SELECT n FROM counted';
  expect(missing(news, await place.sql(all))).toEqual([]);
  const inOld = await withCluster(place.tools, previous ?? '', (url) => query<{ n: number }>(url, all));
  expect(missing(olds, inOld)).toEqual([]);
  expect([news.length > 0, olds.length > 0]).toEqual([true, true]);
}

async function expectNothingLeft(): Promise<void> {
  const { folder } = place.host;
  const records = (await listRecords(place.tools.backups)).filter(({ state }) => state !== 'abandoned');
  const known = new Set([livingName(folder), ...records.flatMap(({ previous }) => previous ?? [])]);
  expect(readdirSync(folder).filter((name) => name.startsWith('data'))).toEqual([...known].sort());
  const postmasters = listProcesses().filter(({ command }) => command.includes(` -D ${folder}/`));
  expect(postmasters.map(({ command }) => / -D (\S+)/.exec(command)?.[1])).toEqual([join(folder, livingName(folder))]);
  expect(ofPgBackRest().filter(({ command }) => command.includes('restore'))).toEqual([]);
}

let writer: Writer | null = null;
afterEach(() => writer?.stop());

test.each(
  RESTORES.map((strikes) => ({ strikes, title: strikes.map(({ victim, step }) => `${victim} in ${step}`).join(', ') })),
)('it ends well, and exactly one database takes writes: $title', async ({ strikes }) => {
  writer = new Writer();
  const { acknowledged } = writer;
  // One whose tool was killed may have failed; then the next succeeds.
  const result = await restoreStruck(strikes).catch(() => restoreStruck([]));
  await until('the restored database takes writes', () =>
    acknowledged.some(({ generation }) => generation === result.generation),
  );
  // Its postmaster may have been killed last of all, and its backends outlive that by a moment.
  await until('PostgreSQL is back', () => place.sql('SELECT 1').catch(() => null));
  await writer.stop();
  await expectOneDatabase(acknowledged, result);
  await expectNothingLeft();
});
