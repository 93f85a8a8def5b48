// Plans of rollbacks and deployments: each refusal with its code and its remedy, before anything is touched. The releases are
// real folders, whose own programs replay open runs and undo migrations.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import type { ReleaseDependencies } from '../../activities/releases/dependencies';
import { planDeployment, planRollback } from '../../activities/releases/plan';
import { noteCurrent, registerRelease } from '../../activities/releases/registry';
import { createProcessDriver } from '../../ops/releases/process/driver';
import { type Release, readRelease } from '../../ops/releases/release';
import { createLogger } from '../../ops/runtime/logging';
import { NO_TELEMETRY } from '../../ops/runtime/telemetry';
import { workflowSinks } from '../../worker/workflow-sinks';
import { OPERATIONS_ID } from '../../workflows/contracts/operations';
import { REFUSED } from '../../workflows/contracts/recovery-progress';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { makeCurrent } from '../operations/worker-builds';
import { openBackups } from '../support/backups';
import { aDraft, createTestCommands, setStatus } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { newFolder } from '../support/environment';
import { holdLock } from '../support/lock-holder';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { workflowBundle } from '../support/workflow-bundle';
import { copyBuild, describeBuild, writeBuild } from './release-folders';

const ALL = readRelease().migrations;
const LAST = ALL.at(-1) as string;
const BEFORE = ALL.slice(0, -1);
const ROLLBACK_ID = '019b0000-0000-7000-8000-000000000001';

let database: TestDatabase;
let temporal: TestNamespace;
let folder: string;
let dependencies: ReleaseDependencies;
let [one, two]: Release[] = [];
const before = { ...process.env };
beforeAll(async () => {
  [database, temporal, folder] = [await createTestDatabase(), await createTestNamespace(), newFolder('releases')];
  // The programs of a release read the settings of the services.
  Object.assign(process.env, {
    COUNTERSIGN_ENV_FILE: '',
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
  });
  one = copyBuild(at('1.0.0'), '1.0.0', { migrations: BEFORE });
  two = copyBuild(at('2.0.0'), '2.0.0', { migrations: ALL });
  dependencies = {
    db: database.db,
    driver: createProcessDriver({ folder, root: newFolder('clone') }),
    temporal: temporal.client,
    deploymentName: 'countersign',
    backups: openBackups(`file://${newFolder('backups')}`),
    logger: createLogger('worker', 'silent'),
    tools: null,
    watchSeconds: 1,
  };
});
afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  await temporal?.close();
  await database?.drop();
});
beforeEach(async () => {
  await database.db.release.deleteMany();
  await dependencies.driver.want(serving('2.0.0'));
});

const at = (version: string) => join(folder, version);
const serving = (version: string | null) => ({
  api: version,
  trial: null,
  workers: version === null ? [] : [{ version, buildId: `${version}-0000abcd` }],
});
const { signal } = new AbortController();
const rollBack = (to?: string, changes = {}) =>
  planRollback(dependencies, { rollbackId: ROLLBACK_ID, ...(to === undefined ? {} : { to }), signal, ...changes });
const deploy = (to: string) => planDeployment(dependencies, { to, signal });

/** Registers releases that served in this order. */
async function served(...releases: Release[]): Promise<void> {
  for (const release of releases) {
    await registerRelease(database.db, release);
    await noteCurrent(database.db, release.version, 'draining');
  }
}
const refusal = (code: string, ...words: string[]) =>
  expect.objectContaining({
    type: code,
    details: [REFUSED],
    nonRetryable: true,
    message: expect.stringMatching(new RegExp(words.map((word) => `(?=.*${word})`).join(''), 's')),
  });
const states = async () => {
  const all = await database.db.release.findMany({ orderBy: { version: 'asc' } });
  return Object.fromEntries(all.map(({ version, state }) => [version, state]));
};

describe('a rollback is refused', () => {
  it('if no release served before', async () => {
    await served(two as Release);
    await expect(rollBack()).rejects.toEqual(refusal('no_previous_release', 'before 2\\.0\\.0'));
  });

  it('to a release that was never registered here, and names those that were', async () => {
    await served(one as Release, two as Release);
    await expect(rollBack('9.9.9')).rejects.toEqual(refusal('unknown_release', '9\\.9\\.9', '2\\.0\\.0, 1\\.0\\.0'));
  });

  it('to the release that serves', async () => {
    await served(one as Release, two as Release);
    await expect(rollBack('v2.0.0')).rejects.toEqual(refusal('same_release', '2\\.0\\.0 serves already'));
  });

  it('to a release whose folder is gone', async () => {
    await served(describeBuild('0.9.0'), two as Release);
    await expect(rollBack()).rejects.toEqual(refusal('release_gone', '0\\.9\\.0', 'ops/deploy\\.sh'));
  });

  it('to a folder that was built anew since it served', async () => {
    await served(one as Release, two as Release);
    writeBuild(at('1.0.0'), { ...(one as Release), bundleHash: 'c'.repeat(64) });
    await expect(rollBack()).rejects.toEqual(refusal('other_build', '1\\.0\\.0', 'raise its version'));
    writeBuild(at('1.0.0'), one as Release);
  });

  it('to a release with a migration that the one that serves lacks', async () => {
    await served(two as Release, one as Release);
    await dependencies.driver.want(serving('1.0.0'));
    await expect(rollBack()).rejects.toEqual(refusal('not_earlier', '1 migration', 'ops/deploy\\.sh 2\\.0\\.0'));
  });

  it('if nothing serves, or the folder of what serves is gone', async () => {
    await dependencies.driver.want(serving(null));
    await expect(rollBack('1.0.0')).rejects.toEqual(refusal('nothing_serves', 'No release serves here'));
    await served(one as Release, describeBuild('3.0.0'));
    await expect(rollBack('1.0.0')).rejects.toEqual(refusal('nothing_serves', '3\\.0\\.0', 'is gone'));
  });

  it.each([
    ['is missing', null],
    ['can’t be undone in a transaction', 'DROP INDEX CONCURRENTLY releases_current_key;'],
    ['fails', 'DROP TABLE nothing_of_this_name;'],
  ])('if the down.sql of a migration %s', async (_what, sql) => {
    await served(one as Release, two as Release);
    const file = join(at('2.0.0'), 'prisma', 'migrations', LAST, 'down.sql');
    const reviewed = readFileSync(file);
    if (sql === null) rmSync(file);
    else writeFileSync(file, sql);
    const refused = expect(rollBack()).rejects.toEqual(refusal('cannot_undo', LAST));
    await refused.finally(() => writeFileSync(file, reviewed));
    expect(await states()).toEqual({ '1.0.0': 'draining', '2.0.0': 'current' });
  });
});

describe('the plan of a rollback', () => {
  it('says what is undone and lost, what was sent since, and what goes on', async () => {
    await served(one as Release, two as Release);
    const { commands, person } = createTestCommands(database.db);
    const { id } = await commands.submitDraft(await person('an agent', 'author'), aDraft());
    await setStatus(database.db, id, 'sent');
    await database.db.draft.update({ where: { id }, data: { sentAt: new Date(Date.now() + 1_000) } });
    const plan = await rollBack();
    expect(plan).toEqual({
      from: {
        version: '2.0.0',
        buildId: '2.0.0-0000abcd',
        commit: two?.commit,
        bundleHash: two?.bundleHash,
        lastMigration: LAST,
      },
      to: {
        version: '1.0.0',
        buildId: '1.0.0-0000abcd',
        commit: one?.commit,
        bundleHash: one?.bundleHash,
        lastMigration: BEFORE.at(-1),
      },
      migrations: [{ migration: LAST, drops: [{ table: 'releases', column: null, rows: 2 }], deletes: [] }],
      workflows: {},
      sent: 1,
      restorePoint: expect.stringContaining(ROLLBACK_ID),
      expectedSeconds: expect.any(Number),
    });
    expect(await states()).toEqual({ '1.0.0': 'draining', '2.0.0': 'current' });
  });

  it('of a rehearsal leaves what would be lost to the copy', async () => {
    await served(one as Release, two as Release);
    expect((await rollBack('v1.0.0', { isRehearsal: true })).migrations).toEqual([]);
  });

  it('goes on from the release that the registry calls current, while a rollback that was cut off serves nobody', async () => {
    await served(one as Release, two as Release);
    await dependencies.driver.want(serving(null));
    expect(await rollBack('1.0.0', { isRehearsal: true })).toMatchObject({ from: { version: '2.0.0' } });
  });
});

describe('a deployment is refused', () => {
  beforeEach(() => dependencies.driver.want(serving('1.0.0')));

  it('of the release that serves', async () => {
    await expect(deploy('v1.0.0')).rejects.toEqual(refusal('same_release', 'raise the version'));
  });

  it('of a release whose folder is not there', async () => {
    await expect(deploy('9.9.9')).rejects.toEqual(refusal('release_gone', '9\\.9\\.9'));
  });

  it('of a version that served as another build', async () => {
    await served({ ...(two as Release), bundleHash: 'c'.repeat(64) }, one as Release);
    await expect(deploy('2.0.0')).rejects.toEqual(refusal('other_build', 'raise its version'));
  });

  it('of a release that lacks a migration of the one that serves', async () => {
    await dependencies.driver.want(serving('2.0.0'));
    await expect(deploy('1.0.0')).rejects.toEqual(refusal('not_earlier', 'ops/rollback\\.sh --version 1\\.0\\.0'));
  });
});

describe('the plan of a deployment', () => {
  it('registers the release and names the migrations to apply; a build that never served may be made anew', async () => {
    await dependencies.driver.want(serving('1.0.0'));
    await registerRelease(database.db, { ...(two as Release), bundleHash: 'c'.repeat(64) });
    expect(await deploy('v2.0.0')).toMatchObject({
      from: { version: '1.0.0', buildId: '1.0.0-0000abcd' },
      to: { version: '2.0.0', buildId: '2.0.0-0000abcd' },
      migrations: [LAST],
      workflows: {},
    });
    expect(await database.db.release.findMany()).toMatchObject([
      { version: '2.0.0', state: 'registered', bundleHash: two?.bundleHash },
    ]);
  });

  it('names the first release without a build id, since its workers take part in no versioning', async () => {
    await dependencies.driver.want({ api: '1.0.0', trial: null, workers: [{ version: '1.0.0', buildId: null }] });
    expect((await deploy('2.0.0')).from.buildId).toBeNull();
  });
});

describe('open runs', () => {
  let worker: Worker;
  let ended: Promise<void>;
  beforeAll(async () => {
    worker = await Worker.create({
      connection: await temporal.nativeConnection(),
      namespace: temporal.namespace,
      taskQueue: TASK_QUEUES.ops,
      workflowBundle: workflowBundle(),
      sinks: workflowSinks(NO_TELEMETRY),
      workerDeploymentOptions: {
        version: { deploymentName: 'countersign', buildId: '2.0.0-0000abcd' },
        useWorkerVersioning: true,
        defaultVersioningBehavior: 'AUTO_UPGRADE',
      },
    });
    ended = worker.run();
    await makeCurrent(temporal, '2.0.0-0000abcd');
    // It leaves the lock's workflow open, and a run that nobody has begun.
    await holdLock(temporal);
    await until('both are known', async () => (await temporal.client.workflow.count()).count === 2);
  });
  afterAll(async () => {
    worker?.shutdown();
    await ended;
  });

  it('go on with the target if it can continue them', async () => {
    await served(one as Release, two as Release);
    expect((await rollBack()).workflows).toEqual({ operations: 1, mailDelivery: 1 });
  });

  it.each([
    [
      'whose workflow begins otherwise',
      (bundle: string) => bundle.replace(BEGIN, `${BEGIN} await (0, workflow_1.sleep)(1000);`),
    ],
    [
      'that has no such workflow',
      (bundle: string) => bundle.replace('defineProperty(exports, "operations"', 'defineProperty(exports, "forgotten"'),
    ],
  ])('keep from a target %s', async (_what, change) => {
    await served(one as Release, two as Release);
    const bundle = join(at('1.0.0'), 'dist', 'worker', 'workflow-bundle.js');
    const built = readFileSync(bundle, 'utf8');
    const changed = change(built);
    expect(changed).not.toBe(built);
    writeFileSync(bundle, changed);
    const refused = expect(rollBack()).rejects.toEqual(
      refusal('cannot_replay', '1 open run', `operations ${OPERATIONS_ID}`),
    );
    await refused.finally(() => writeFileSync(bundle, built));
  });

  it('that end on the release that serves keep from a rollback, and are named', async () => {
    await served(one as Release, two as Release);
    const pinned = await temporal.client.workflow.start('backup', {
      workflowId: 'backup-that-is-pinned',
      taskQueue: TASK_QUEUES.ops,
      args: [{ setId: '20260123T180000Z', kind: 'full', parts: ['files'] }],
    });
    await until(
      'it is pinned',
      async () => (await pinned.describe()).raw.workflowExecutionInfo?.versioningInfo?.behavior === 1 || null,
    );
    await until('it keeps from it', () =>
      rollBack('1.0.0', { isRehearsal: true }).then(
        () => null,
        (error) => {
          expect(error).toEqual(refusal('runs_pinned', '1 run', 'backup-that-is-pinned', '2\\.0\\.0'));
          return true;
        },
      ),
    );
    await pinned.terminate('the test says so');
  });
});

/** Of the compiled workflow of the lock. */
const BEGIN = `async function operations({ holder = null, sharers = [] } = {}) {`;
