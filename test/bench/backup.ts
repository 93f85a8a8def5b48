// Full backups and restores by the workflows next to bare ones by pgBackRest, of the same cluster in one run; and what requests
// feel of a backup.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { findPgBackRest, HOW_TO_GET_IT } from '../../ops/local/binaries/pgbackrest';
import { startPostgres } from '../../ops/local/postgres';
import { archiveCommand } from '../../ops/pgbackrest/pgbackrest';
import { findRecoveryTools, type RecoveryTools } from '../../ops/recovery/tools';
import { readConfiguration } from '../../ops/runtime/configuration';
import type { backup } from '../../workflows';
import { progress as backupProgress, backupWorkflowId, toSetId } from '../../workflows/contracts/backup';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { type Aim, below } from './aims';
import { startCountersign } from './apps/countersign';
import { type Load, offerLoad, plant } from './cleanup';
import { now } from './clock';
import type { Options } from './options';
import { drill, restoreBare } from './restore';
import type { Servers } from './servers';
import { aimTable, number, table } from './tables';

const QUIET_MS = 30_000;

/** In seconds. */
interface Made {
  /** The step of PostgreSQL, which is what pgBackRest makes alone. */
  step: number;
  /** With Redis, files, verification and pruning. */
  whole: number;
}

export interface BackupBench {
  rows: number;
  megabytes: number;
  bare: number[];
  made: Made[];
  restoredBare: number[];
  restored: Made[];
  without: Load;
  during: Load;
  aims: Aim[];
}

export async function measureBackup(
  servers: Servers,
  { rows, rounds, nodeOptions }: Options,
  progress: (line: string) => void,
): Promise<BackupBench> {
  const program = await findPgBackRest();
  if (!program) throw new Error(`pgBackRest is missing: ${HOW_TO_GET_IT}`);
  const home = join(servers.folder, 'archived');
  const postgres = await startPostgres({ folder: home, archiveCommand: archiveCommand(program, home) });
  // Passed through by the cluster's own user.
  for (const folder of [servers.folder, home]) chmodSync(folder, 0o711);
  const given = { POSTGRES_HOME: home, BACKUP_PASSPHRASE: 'a passphrase for the backups of the bench' };
  const client = new pg.Client({ connectionString: `${postgres.url}/countersign` });
  const connection = await Connection.connect({ address: servers.temporalAddress });
  try {
    const { policy, environment } = await startCountersign({ ...servers, postgres }, nodeOptions, given);
    const { tools } = await findRecoveryTools(readConfiguration(environment));
    if (!tools) throw new Error('The tools are missing');
    await client.connect();
    progress(`making ${rows} drafts`);
    await plant(client, rows);
    const { rows: sizes } = await client.query(
      'SELECT sum(pg_database_size(oid))::float8 / 1e6 AS mb FROM pg_database',
    );
    const temporal = new Client({ connection });
    progress('one backup of each kind, to warm up');
    await make(temporal);
    await makeBare(tools);
    const [bare, made, restoredBare, restored]: [number[], Made[], number[], Made[]] = [[], [], [], []];
    for (let round = 1; round <= rounds; round++) {
      progress(`round ${round}`);
      bare.push(await makeBare(tools));
      made.push(await make(temporal));
      restoredBare.push(await restoreBare(tools));
      restored.push(await drill(temporal));
    }
    progress('requests without a backup');
    const without = await offerLoad(policy, delay(QUIET_MS));
    progress('requests and a backup');
    const during = await offerLoad(policy, make(temporal));
    const ratio = (ours: Made[], theirs: number[]) => median(ours.map(({ step }) => step)) / median(theirs);
    return {
      rows,
      megabytes: sizes[0].mb,
      bare,
      made,
      restoredBare,
      restored,
      without,
      during,
      aims: [
        below('time of the step of a backup : bare', ratio(made, bare), 1.15),
        below('time of the step of a restore : bare', ratio(restored, restoredBare), 1.15),
        below('create p99 during a backup, ms', during.createMs.p99, 250),
        below('errors', without.errors.length + during.errors.length, 1),
      ],
    };
  } finally {
    await client.end();
    await connection.close();
    await postgres.stop();
  }
}

async function makeBare({ pgbackrest }: RecoveryTools): Promise<number> {
  const began = now();
  await pgbackrest.run('backup', ['--type=full']);
  return (now() - began) / 1_000;
}

async function make(temporal: Client): Promise<Made> {
  const setId = toSetId(new Date());
  const began = now();
  const handle = await temporal.workflow.start<typeof backup>('backup', {
    workflowId: backupWorkflowId(setId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ setId, kind: 'full', parts: ['postgres', 'redis', 'files'] }],
  });
  await handle.result();
  const whole = (now() - began) / 1_000;
  const { steps } = await handle.query(backupProgress);
  const { startedAt, finishedAt } = steps.find(({ step }) => step === 'postgres') ?? { startedAt: '', finishedAt: '' };
  return { step: (Date.parse(finishedAt ?? '') - Date.parse(startedAt)) / 1_000, whole };
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

export function printBackup(measured: BackupBench): string {
  const { rows, megabytes, bare, made, restoredBare, restored, without, during, aims } = measured;
  const line = (what: string, seconds: number[]) => {
    const typical = median(seconds);
    return [what, number(typical), number(megabytes / typical)];
  };
  const steps = (runs: Made[]) => runs.map(({ step }) => step);
  const wholes = (runs: Made[]) => runs.map(({ whole }) => whole);
  return [
    `Full backups and restores of ${number(megabytes)} MB, ${rows} drafts; the median of ${bare.length}`,
    table([
      ['backup', 's', 'MB/s'],
      line('pgbackrest alone', bare),
      line('the step of the workflow', steps(made)),
      line('with all other parts, verified and pruned', wholes(made)),
    ]),
    table([
      ['restore', 's', 'MB/s'],
      line('pgbackrest alone', restoredBare),
      line('the step of the workflow', steps(restored)),
      line('until it is recovered and proven', wholes(restored)),
    ]),
    table([
      ['create, ms', 'p50', 'p99'],
      ['without a backup', number(without.createMs.p50), number(without.createMs.p99)],
      ['during one', number(during.createMs.p50), number(during.createMs.p99)],
    ]),
    '',
    aimTable(aims),
    ...new Set([...without.errors, ...during.errors]),
  ].join('\n');
}
