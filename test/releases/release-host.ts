// A host of deployments and rollbacks in the test's own process: the real activities, on a played driver, with Temporal workers
// of both builds. A test says which activity fails or hangs once it has done its work.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { createFailingSteps } from '../../activities/failing-steps';
import { createOperationsActivities } from '../../activities/operations';
import { createReleaseActivities, type ReleaseActivities } from '../../activities/releases';
import { noteCurrent, registerRelease } from '../../activities/releases/registry';
import { exitCodeOf } from '../../ops/recovery/follow';
import { type Run, readRun } from '../../ops/recovery/runs';
import { isHostThere } from '../../ops/releases/runs';
import { createLogger } from '../../ops/runtime/logging';
import { NO_TELEMETRY } from '../../ops/runtime/telemetry';
import { createReleasesWorker } from '../../worker/temporal-workers';
import { workflowSinks } from '../../worker/workflow-sinks';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { makeCurrent } from '../operations/worker-builds';
import { openBackups } from '../support/backups';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { deferred } from '../support/deferred';
import { newFolder } from '../support/environment';
import { lockHolder } from '../support/lock-holder';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { workflowBundle } from '../support/workflow-bundle';
import { PlayedDriver } from './played-driver';
import { describeBuild } from './release-folders';

const [FIRST, SECOND] = ['20260101000000_init', '20260202000000_more'];
export const ONE = describeBuild('1.0.0', { migrations: [FIRST] });
export const TWO = describeBuild('2.0.0', { migrations: [FIRST, SECOND], bundleHash: 'c'.repeat(64) });
const DEPLOYMENT = 'countersign';

type Name = keyof ReleaseActivities;
interface Fault {
  activity: Name;
  /** After it has done its work; `waits` goes on when the test says so. */
  then: 'fails' | 'hangs' | 'waits';
}

export class ReleaseHost {
  /** Strikes once. */
  fault: Fault | null = null;
  goesOn = deferred<void>();
  private readonly workers: { worker: Worker; ended: Promise<void> }[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly temporal: TestNamespace,
    readonly driver: PlayedDriver,
  ) {}

  static async start(): Promise<ReleaseHost> {
    const driver = await PlayedDriver.start([ONE, TWO]);
    const host = new ReleaseHost(await createTestDatabase(), await createTestNamespace(), driver);
    await Promise.all([host.startHost(), host.startBuild(ONE.buildId), host.startBuild(TWO.buildId)]);
    await until('the host is there', () => isHostThere(host.temporal.client));
    for (const { buildId } of [ONE, TWO]) await makeCurrent(host.temporal, buildId);
    return host;
  }

  async close(): Promise<void> {
    await this.endWorkers();
    await this.driver.close();
    await this.temporal.close();
    await this.database.drop();
  }

  async endWorkers(): Promise<void> {
    const ending = this.workers.splice(0);
    for (const { worker } of ending) worker.shutdown();
    await Promise.all(ending.map(({ ended }) => ended));
  }

  /** As if this release served, after others in this order; nothing else is registered. */
  async serves(version: '1.0.0' | '2.0.0', ...earlier: ('1.0.0' | '2.0.0')[]): Promise<void> {
    const { db } = this.database;
    const known = { '1.0.0': ONE, '2.0.0': TWO };
    await until('the lock is free', async () => (await lockHolder(this.temporal).catch(() => null)) === null);
    [this.fault, this.goesOn, this.driver.broken] = [null, deferred<void>(), []];
    await db.release.deleteMany();
    for (const one of [...earlier, version]) {
      await registerRelease(db, known[one]);
      await noteCurrent(db, one, 'draining');
    }
    this.driver.schema = known[version].migrations;
    const { buildId } = known[version];
    await this.driver.want({ api: version, trial: null, workers: [{ version, buildId }] });
    await makeCurrent(this.temporal, buildId);
  }

  /** All that a rollback or a deployment changes. */
  async state() {
    const { namespace, client } = this.temporal;
    const { workerDeploymentInfo } = await client.workflowService.describeWorkerDeployment({
      namespace,
      deploymentName: DEPLOYMENT,
    });
    const releases = await this.database.db.release.findMany({ orderBy: { version: 'asc' } });
    return {
      wanted: await this.driver.wanted(),
      schema: this.driver.schema,
      build: workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId,
      releases: Object.fromEntries(releases.map(({ version, state }) => [version, state])),
    };
  }

  /** How a run ended: as an operator reads it, with its exit code, its steps in order and the audit trail of its id. */
  async ended(id: string, workflowId: string) {
    const { client } = this.temporal;
    const run = await until(`${workflowId} has ended`, async () => {
      const now = await readRun(client, workflowId);
      // A query that a busy machine answers too late leaves the run without its own words.
      return now?.isOver && now.status !== 'unknown' && now.problem?.code !== 'ended' ? now : null;
    });
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    const events = await this.database.db.auditEvent.findMany({
      where: { subjectId: id },
      orderBy: { position: 'asc' },
    });
    return {
      ...run,
      code: exitCodeOf(run as Run),
      steps: run.steps.map(({ step }) => step),
      execution: raw.workflowExecutionInfo?.status,
      events: events.map(({ type, data }) => ({ type, data })),
    };
  }

  /** Until the step has done its work and hangs or waits. */
  async untilStruck(): Promise<void> {
    await until('the fault strikes', () => this.fault === null);
  }

  private async startHost(): Promise<void> {
    const { db } = this.database;
    const logger = createLogger('worker', 'silent');
    const activities = createReleaseActivities({
      db,
      driver: this.driver,
      temporal: this.temporal.client,
      deploymentName: DEPLOYMENT,
      backups: openBackups(`file://${newFolder('backups')}`),
      logger,
      tools: null,
      watchSeconds: 0,
    });
    const worker = await createReleasesWorker(await this.temporal.nativeConnection(), {
      namespace: this.temporal.namespace,
      logger,
      steps: createFailingSteps({ db, logger }),
      telemetry: NO_TELEMETRY,
      drainSeconds: 5,
      activities: { ...createOperationsActivities({ temporal: this.temporal.client }), ...this.faulty(activities) },
    });
    this.workers.push({ worker, ended: worker.run() });
  }

  /** Carries the lock's workflow, as the workers of that build do. */
  private async startBuild(buildId: string): Promise<void> {
    const worker = await Worker.create({
      connection: await this.temporal.nativeConnection(),
      namespace: this.temporal.namespace,
      taskQueue: TASK_QUEUES.ops,
      workflowBundle: workflowBundle(),
      sinks: workflowSinks(NO_TELEMETRY),
      workerDeploymentOptions: {
        version: { deploymentName: DEPLOYMENT, buildId },
        useWorkerVersioning: true,
        defaultVersioningBehavior: 'AUTO_UPGRADE',
      },
    });
    this.workers.push({ worker, ended: worker.run() });
  }

  private faulty(activities: ReleaseActivities): object {
    const strike = async (then: Fault['then']) => {
      this.fault = null;
      if (then === 'fails') throw ApplicationFailure.nonRetryable('The test says so', 'broken');
      await (then === 'waits' ? beatingUntil(this.goesOn.promise) : beatingUntil(Context.current().cancelled));
    };
    return Object.fromEntries(
      Object.entries(activities).map(([name, act]) => [
        name,
        async (input: never) => {
          const result = await (act as (input: never) => Promise<unknown>)(input);
          if (this.fault?.activity === name) await strike(this.fault.then);
          return result;
        },
      ]),
    );
  }
}

async function beatingUntil(promise: Promise<unknown>): Promise<void> {
  const context = Context.current();
  const beats = setInterval(() => context.heartbeat(), 50);
  await promise.finally(() => clearInterval(beats));
}
