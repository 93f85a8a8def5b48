// The two Temporal workers of a worker process: one for workflows and their database steps, one for the mail lane.
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { DraftApprovalActivities } from '../activities/draft-approval';
import type { DraftRetentionActivities } from '../activities/draft-retention';
import type { MailDeliveryActivities } from '../activities/mail-delivery';
import type { Logger } from '../ops/runtime/logging';
import { temporalSettings } from '../ops/runtime/temporal';
import { TASK_QUEUES } from '../workflows/contracts/task-queues';
import { WORKFLOW_BUNDLE } from './bundle';
import { failureCodes } from './failure-codes';
import { createSdkLogger } from './sdk-logger';

/** A pause, a takeover and an end are heard of within this time. */
const HEARTBEATS_EACH_MS = 500;
/** An activity that would not be done in time has so long to record what it knows. */
const CANCELLED_BEFORE_SECONDS = 3;
const TRIES_AGAIN_MS = 1_000;

export interface TemporalWorkersOptions {
  processes: DraftApprovalActivities & DraftRetentionActivities;
  email: MailDeliveryActivities;
  logger: Logger;
  drainSeconds: number;
}

export function installRuntime(logger: Logger): void {
  // This process ends its workers itself, in order.
  Runtime.install({
    logger: createSdkLogger(logger),
    shutdownSignals: [],
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) } },
  });
}

/** Null where `stopping` came first. */
export async function connectToTemporal(logger: Logger, stopping: AbortSignal): Promise<NativeConnection | null> {
  const { connectionOptions } = temporalSettings();
  for (let isTold = false; !stopping.aborted; isTold = true) {
    try {
      return await NativeConnection.connect(connectionOptions as Parameters<typeof NativeConnection.connect>[0]);
    } catch (err) {
      if (!isTold) logger.warn({ err }, 'Temporal is away; this worker waits for it');
      await delay(TRIES_AGAIN_MS, undefined, { signal: stopping }).catch(() => {});
    }
  }
  return null;
}

export async function createTemporalWorkers(
  connection: NativeConnection,
  { processes, email, logger, drainSeconds }: TemporalWorkersOptions,
): Promise<Worker[]> {
  if (!existsSync(WORKFLOW_BUNDLE)) throw new Error('The workflow bundle is missing: run `npm run build`.');
  const shared = {
    connection,
    namespace: temporalSettings().namespace,
    interceptors: { activity: [failureCodes(logger)] },
    shutdownGraceTime: Math.max(drainSeconds - CANCELLED_BEFORE_SECONDS, 0) * 1000,
    shutdownForceTime: drainSeconds * 1000,
  };
  return [
    await Worker.create({
      ...shared,
      taskQueue: TASK_QUEUES.processes,
      workflowBundle: { codePath: WORKFLOW_BUNDLE },
      activities: processes,
    }),
    await Worker.create({
      ...shared,
      taskQueue: TASK_QUEUES.email,
      activities: email,
      // With a second slot a frozen worker's own poll would take its retry.
      maxConcurrentActivityTaskExecutions: 1,
      maxHeartbeatThrottleInterval: HEARTBEATS_EACH_MS,
      defaultHeartbeatThrottleInterval: HEARTBEATS_EACH_MS,
    }),
  ];
}
