// Temporal's time-skipping server: a deadline of days passes in milliseconds. Skipping is global to a server,
// so each test file starts its own.
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { addSearchAttributes } from './temporal';

export async function createTimeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const path = process.env.TEMPORAL_TEST_SERVER;
  const environment = await TestWorkflowEnvironment.createTimeSkipping(
    path ? { server: { executable: { type: 'existing-path', path } } } : {},
  );
  await addSearchAttributes(environment.connection, environment.namespace ?? 'default');
  return environment;
}
