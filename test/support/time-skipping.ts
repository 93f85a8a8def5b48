// Temporal's time-skipping server: a deadline of days passes in milliseconds. Skipping is global to a server,
// so each test file starts its own.
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { NO_TELEMETRY } from '../../ops/runtime/telemetry';
import { workflowSinks } from '../../worker/workflow-sinks';
import { addSearchAttributes } from './temporal';
import { workflowBundle } from './workflow-bundle';

async function createTimeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const environment = await startServer();
  await addSearchAttributes(environment.connection, environment.namespace ?? 'default');
  return environment;
}

export interface RunningWorkflows {
  environment: TestWorkflowEnvironment;
  stop(): Promise<void>;
}

/** Starts a server that skips time, and on it a worker that runs our workflows. @param options of the worker, what is its own */
export async function runWorkflows(
  options: Pick<WorkerOptions, 'taskQueue'> & Partial<WorkerOptions>,
): Promise<RunningWorkflows> {
  const environment = await createTimeSkippingEnvironment();
  const connection = environment.nativeConnection;
  const shared = { connection, workflowBundle: workflowBundle(), sinks: workflowSinks(NO_TELEMETRY) };
  const worker = await Worker.create({ ...shared, ...options }).catch(async (error) => {
    await environment.teardown();
    throw error;
  });
  const running = worker.run();
  return {
    environment,
    async stop() {
      worker.shutdown();
      await running;
      await environment.teardown();
    },
  };
}

/**
 * When a run ended, in milliseconds. The server's time says nothing about that: once nothing runs it skips on, years at times,
 * until the client that waited for the result holds it.
 */
export async function endOf(run: Pick<WorkflowHandle, 'describe'>): Promise<number> {
  const { closeTime } = await run.describe();
  if (!closeTime) throw new Error('It has not ended.');
  return closeTime.getTime();
}

const ATTEMPTS = 4;

/** The SDK gives it five seconds, which are too few where all processors are at work. */
async function startServer(attempt = 1): Promise<TestWorkflowEnvironment> {
  const path = process.env.TEMPORAL_TEST_SERVER;
  try {
    return await TestWorkflowEnvironment.createTimeSkipping(
      path ? { server: { executable: { type: 'existing-path', path } } } : {},
    );
  } catch (error) {
    if (attempt === ATTEMPTS || !String(error).includes('did not start within')) throw error;
    return startServer(attempt + 1);
  }
}
