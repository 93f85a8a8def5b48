// The Temporal workers of a worker process: one for what works without the database, one for the other workflows and their
// database steps, one for each lane.
import { existsSync } from 'node:fs';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import {
  makeTelemetryFilterString,
  type NativeConnection,
  Runtime,
  Worker,
  type WorkerDeploymentOptions,
} from '@temporalio/worker';
import type { FailingSteps } from '../activities/failing-steps';
import type { Logger } from '../ops/runtime/logging';
import { workMs } from '../ops/runtime/shutdown';
import type { Telemetry } from '../ops/runtime/telemetry';
import { TASK_QUEUES } from '../workflows/contracts/task-queues';
import { WORKFLOW_BUNDLE } from './bundle';
import { recordSteps } from './failing-steps';
import { failureCodes } from './failure-codes';
import { createSdkLogger } from './sdk-logger';
import { withTemporalMetrics } from './temporal-metrics';
import { tracedActivities } from './traced-activities';
import { workflowSinks } from './workflow-sinks';

/** A pause, a takeover and an end are heard of within this time, and how far a backup is. */
const HEARTBEATS_EACH_MS = 500;
/** An activity that would not be done in time has so long to record what it knows. */
const CANCELLED_BEFORE_MS = 3_000;

export interface SharedOptions {
  namespace: string;
  logger: Logger;
  steps: FailingSteps;
  drainSeconds: number;
  /** Null: one build at a time runs, and takes over what another has begun. */
  version: WorkerDeploymentVersion | null;
  telemetry: Telemetry;
}
export interface OpsWorkerOptions extends SharedOptions {
  /** Without them it carries workflows only: another host has what backups need. */
  ops?: object | undefined;
}
export interface TemporalWorkersOptions extends SharedOptions {
  processes: object;
  /** The activities of each lane that runs, by its task queue. */
  lanes: Partial<Record<keyof typeof TASK_QUEUES, object>>;
}

/** Returns a function that reads the SDK's own metrics, in Prometheus's text format. */
export function installRuntime(logger: Logger): Promise<() => Promise<string>> {
  const logging = { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) };
  return withTemporalMetrics((bindAddress) => {
    // Names and units stay the SDK's own, so that Temporal's published dashboards work on them.
    const metrics = { attachServiceName: false, globalTags: { process: 'worker' }, prometheus: { bindAddress } };
    // This process ends its workers itself, in order.
    Runtime.install({
      logger: createSdkLogger(logger),
      shutdownSignals: [],
      telemetryOptions: { logging, metrics },
    });
  });
}

/** Needs Temporal alone. A handful of workflows that seldom have anything to do, so it is kept small. */
export function createOpsWorker(connection: NativeConnection, { ops, ...options }: OpsWorkerOptions): Promise<Worker> {
  return Worker.create({
    ...shared(connection, options),
    taskQueue: TASK_QUEUES.ops,
    workflowBundle: workflowBundle(),
    ...(ops ? { activities: ops } : {}),
    workflowThreadPoolSize: 1,
    maxCachedWorkflows: 10,
    maxConcurrentWorkflowTaskExecutions: 4,
    maxConcurrentWorkflowTaskPolls: 2,
    maxConcurrentActivityTaskExecutions: 4,
    maxHeartbeatThrottleInterval: HEARTBEATS_EACH_MS,
    defaultHeartbeatThrottleInterval: HEARTBEATS_EACH_MS,
  });
}

/** Rolls releases out and back. It takes part in no worker versioning, since no release brings it along. */
export function createReleasesWorker(
  connection: NativeConnection,
  { activities, ...options }: Omit<SharedOptions, 'version'> & { activities: object },
): Promise<Worker> {
  return createSmallWorker(connection, { ...options, version: null, queue: TASK_QUEUES.releases, activities });
}

/** Seldom has anything to do, as the one above. */
export function createSmallWorker(
  connection: NativeConnection,
  { queue, activities, ...options }: SharedOptions & { queue: string; activities: object },
): Promise<Worker> {
  return Worker.create({
    ...shared(connection, options),
    taskQueue: queue,
    workflowBundle: workflowBundle(),
    activities,
    workflowThreadPoolSize: 1,
    maxCachedWorkflows: 2,
    maxConcurrentWorkflowTaskExecutions: 2,
    maxConcurrentWorkflowTaskPolls: 2,
    maxConcurrentActivityTaskExecutions: 2,
    maxHeartbeatThrottleInterval: HEARTBEATS_EACH_MS,
    defaultHeartbeatThrottleInterval: HEARTBEATS_EACH_MS,
  });
}

export async function createTemporalWorkers(
  connection: NativeConnection,
  { processes, lanes, ...options }: TemporalWorkersOptions,
): Promise<Worker[]> {
  return [
    await Worker.create({
      ...shared(connection, options),
      taskQueue: TASK_QUEUES.processes,
      workflowBundle: workflowBundle(),
      activities: processes,
    }),
    ...(await Promise.all(
      Object.entries(lanes).map(([taskQueue, activities]) =>
        Worker.create({
          ...shared(connection, options),
          taskQueue,
          activities,
          // With a second slot a frozen worker's own poll would take its retry.
          maxConcurrentActivityTaskExecutions: 1,
          maxHeartbeatThrottleInterval: HEARTBEATS_EACH_MS,
          defaultHeartbeatThrottleInterval: HEARTBEATS_EACH_MS,
        }),
      ),
    )),
  ];
}

function workflowBundle() {
  if (!existsSync(WORKFLOW_BUNDLE)) throw new Error('The workflow bundle is missing: run `npm run build`.');
  return { codePath: WORKFLOW_BUNDLE };
}

const shared = (
  connection: NativeConnection,
  { namespace, logger, steps, drainSeconds, version, telemetry }: SharedOptions,
) => ({
  connection,
  namespace,
  // The last one sees what failed as it was thrown.
  interceptors: {
    activity: [failureCodes(logger), recordSteps(steps), ...(telemetry.isOn ? [tracedActivities(telemetry)] : [])],
  },
  sinks: workflowSinks(telemetry),
  shutdownGraceTime: Math.max(workMs(drainSeconds) - CANCELLED_BEFORE_MS, 0),
  shutdownForceTime: workMs(drainSeconds),
  ...(version ? { workerDeploymentOptions: deployAs(version) } : {}),
});

/** What a workflow does not say of itself (workflows/index.ts): it goes on with the current build. */
const deployAs = (version: WorkerDeploymentVersion): WorkerDeploymentOptions => ({
  version,
  useWorkerVersioning: true,
  defaultVersioningBehavior: 'AUTO_UPGRADE',
});
