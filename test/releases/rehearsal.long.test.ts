// A rehearsal of a rollback: on a copy of the newest backup, with everything that serves untouched.
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { writeWanted } from '../../ops/releases/process/records';
import { startRollback } from '../../ops/releases/runs';
import { type RollbackResult, rollbackWorkflowId } from '../../workflows/contracts/rollback';
import { until } from '../support/until';
import { makeNextRelease } from './next-release';
import { ReleaseInstallation } from './release-installation';

jest.setTimeout(900_000);

const NEXT = '99.0.0';
/** Longer than PostgreSQL's background writer takes to note what it does in the log. */
const QUIET_MS = 25_000;

let installation: ReleaseInstallation;
let first: string;
let folder: string;
beforeAll(async () => {
  installation = await ReleaseInstallation.start();
  ({ first } = installation);
  folder = join(installation.folder, '.countersign', 'releases');
  const sources = await makeNextRelease(installation.folder, `${installation.folder}-next`, {
    version: NEXT,
    column: 'colour',
  });
  await installation.done('deploy', NEXT, '--from', sources);
});
afterAll(() => installation?.stop());

const position = async () => (await installation.query('SELECT pg_current_wal_insert_lsn()::text AS at'))[0].at;

/** With nothing else at work, so that what the rehearsal writes would show. */
async function rehearseAlone(): Promise<{ result: RollbackResult; wrote: boolean }> {
  const temporal = await installation.openTemporal();
  try {
    let last = { at: await position(), since: Date.now() };
    await until(
      'nothing is written',
      async () => {
        const at = await position();
        if (at !== last.at) last = { at, since: Date.now() };
        return Date.now() - last.since > QUIET_MS;
      },
      300_000,
    );
    const id = await startRollback(temporal, { dryRun: true });
    const result = await temporal.workflow.getHandle(rollbackWorkflowId(id)).result();
    return { result, wrote: (await position()) !== last.at };
  } finally {
    await temporal.connection.close();
  }
}

it('says that it could not rehearse as long as there is no backup', async () => {
  const { code, stdout } = await installation.command('rollback', '--dry-run', '--json');
  expect([code, JSON.parse(stdout).result.rehearsal]).toMatchObject([
    1,
    { verdict: 'failed', problem: { code: 'no_backup' } },
  ]);
});

describe('with a backup', () => {
  let schema: string;
  beforeAll(async () => {
    for (let i = 0; i < 3; i++) await installation.submit(`reader-${i}@customer.example`);
    await installation.query(`UPDATE drafts SET colour = 'red'`);
    installation.own.run('ops/backup.sh --db');
    schema = await installation.readSchema();
    // The API and the workers would write meanwhile.
    writeWanted(folder, { api: null, trial: null, workers: [] });
    await until('they have ended', () => !('worker' in installation.pids) && !('api' in installation.pids));
  });

  it('undoes the migrations on a copy, starts the earlier API there, and writes nothing', async () => {
    const { result, wrote } = await rehearseAlone();
    const migrations = [
      { migration: '29991231000000_colour', drops: [{ table: 'drafts', column: 'colour', rows: 3 }], deletes: [] },
    ];
    expect(result.rehearsal).toMatchObject({ verdict: 'passed', problem: null, migrations });
    expect(result.plan).toMatchObject({ from: { version: NEXT }, to: { version: first }, migrations });
    expect(result.serving).toBe(NEXT);
    expect(wrote).toBe(false);
    expect(await installation.readSchema()).toBe(schema);
    const home = join(installation.folder, '.countersign', 'postgres');
    expect(readdirSync(home).filter((name) => name.startsWith('drill-'))).toEqual([]);
    console.log(`Rehearsed in ${result.rehearsal?.seconds.toFixed(1)} s`);
  });

  it('fails if the earlier API does not start', async () => {
    const program = join(folder, first, 'dist', 'api', 'main.js');
    expect(existsSync(program)).toBe(true);
    renameSync(program, `${program}.away`);
    try {
      const { result } = await rehearseAlone();
      expect(result.rehearsal).toMatchObject({ verdict: 'failed', problem: { code: 'api_not_ready' } });
    } finally {
      renameSync(`${program}.away`, program);
    }
  });
});
