// A rehearsal of a rollback: on a copy of the newest backup, with everything that serves untouched.
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import type { ReleaseDependencies } from '../../activities/releases/dependencies';
import { planRollback } from '../../activities/releases/plan';
import { rehearse } from '../../activities/releases/rehearsal';
import { withClient } from '../../ops/local/database';
import { keepPassword } from '../../ops/local/postgres';
import { findRecoveryTools, type RecoveryTools } from '../../ops/recovery/tools';
import { createProcessDriver } from '../../ops/releases/process/driver';
import { writeWanted } from '../../ops/releases/process/records';
import { readConfiguration } from '../../ops/runtime/configuration';
import { createLogger } from '../../ops/runtime/logging';
import { openSignedStore } from '../../ops/runtime/signed-store';
import { createDatabase } from '../../prisma/client';
import { until } from '../support/until';
import { makeNextRelease } from './next-release';
import { ReleaseInstallation } from './release-installation';

jest.setTimeout(900_000);

const NEXT = '99.0.0';
/** PostgreSQL begins a new segment of its log a minute after a change (archive_timeout), and then does nothing more. */
const QUIET_MS = 90_000;
/** Autovacuum comes each minute, as long as it finds something to do. */
const SETTLES_WITHIN_MS = 400_000;
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

/** Nothing that was written before is still to be cleaned up, which a mere read does too, or to be flushed. */
async function settle(): Promise<void> {
  await installation.query('VACUUM');
  const { database = '' } = installation.own.read('runtime.json');
  const url = new URL(database);
  url.username = 'postgres';
  url.password = keepPassword(join(installation.folder, '.countersign', 'postgres'));
  await withClient(url.href, (client) => client.query('CHECKPOINT'));
  let last = { at: await position(), since: Date.now() };
  await until(
    'nothing is written',
    async () => {
      const at = await position();
      if (at !== last.at) last = { at, since: Date.now() };
      return Date.now() - last.since > QUIET_MS;
    },
    SETTLES_WITHIN_MS,
  );
}

/** What the releases host has, in this process: then nothing but the rehearsal is at work. */
async function openHost(): Promise<{ dependencies: ReleaseDependencies; close(): Promise<void> }> {
  const environment = readFileSync(`/proc/${installation.pids.releases}/environ`, 'utf8').split('\0').filter(Boolean);
  // The programs of releases get it from the process that runs them.
  Object.assign(
    process.env,
    Object.fromEntries(
      environment.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ),
  );
  const settings = readConfiguration();
  const { db, close } = createDatabase(settings);
  const temporal = await installation.openTemporal();
  const dependencies: ReleaseDependencies = {
    db,
    driver: createProcessDriver({ folder, root: installation.folder }),
    temporal,
    deploymentName: settings.TEMPORAL_DEPLOYMENT_NAME,
    backups: openSignedStore(settings),
    logger: createLogger('releases', 'silent'),
    tools: (await findRecoveryTools(settings)).tools,
    watchSeconds: 1,
  };
  return {
    dependencies,
    async close() {
      await temporal.connection.close();
      await close();
    },
  };
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

  const migrations = [
    { migration: '29991231000000_colour', drops: [{ table: 'drafts', column: 'colour', rows: 3 }], deletes: [] },
  ];

  it('undoes the migrations on a copy, starts the earlier API there, and writes nothing', async () => {
    const { dependencies, close } = await openHost();
    const { signal } = new AbortController();
    const rollbackId = uuidv7();
    await settle();
    const before = await position();
    const plan = await planRollback(dependencies, { rollbackId, isRehearsal: true, signal });
    const { tools, driver } = dependencies;
    const rehearsal = await rehearse(tools as RecoveryTools, driver, { rollbackId, plan, signal });
    expect(await position()).toBe(before);
    await close();
    expect(rehearsal).toMatchObject({ verdict: 'passed', problem: null, migrations });
    expect(await installation.readSchema()).toBe(schema);
    const home = join(installation.folder, '.countersign', 'postgres');
    expect(readdirSync(home).filter((name) => name.startsWith('drill-'))).toEqual([]);
    console.log(`Rehearsed in ${rehearsal.seconds.toFixed(1)} s`);
  });

  it('passes by the command', async () => {
    const { result } = await installation.done('rollback', '--dry-run');
    expect(result.rehearsal).toMatchObject({ verdict: 'passed', problem: null, migrations });
    expect(result.plan).toMatchObject({ from: { version: NEXT }, to: { version: first }, migrations });
    expect(result.serving).toBe(NEXT);
  });

  it('fails if the earlier API does not start', async () => {
    const program = join(folder, first, 'dist', 'api', 'main.js');
    renameSync(program, `${program}.away`);
    try {
      const { code, stdout } = await installation.command('rollback', '--dry-run', '--json');
      expect([code, JSON.parse(stdout).result.rehearsal]).toMatchObject([
        1,
        { verdict: 'failed', problem: { code: 'api_not_ready' } },
      ]);
    } finally {
      renameSync(`${program}.away`, program);
    }
  });
});
