// Temporal's time-skipping server: a deadline of days passes in milliseconds. Skipping is global to a server,
// so each test file starts its own.
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { addSearchAttributes } from './temporal';

export async function createTimeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const environment = await startServer();
  await addSearchAttributes(environment.connection, environment.namespace ?? 'default');
  return environment;
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
