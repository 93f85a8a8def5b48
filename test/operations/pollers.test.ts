// Whether a worker is there is asked of Temporal, which remembers one that has gone for five minutes.
import { isPolled } from '../../ops/runtime/pollers';
import { startIdleWorker } from '../support/idle-worker';
import { createTestNamespace, type TestNamespace } from '../support/temporal';

const MINUTE = 60_000;
const TASK_QUEUE = 'asked';

let temporal: TestNamespace;
let endWorker: () => Promise<void>;
const asked = (type: 'workflows' | 'activities') => ({ taskQueue: TASK_QUEUE, type, answersWithinMs: 10_000 });

beforeAll(async () => {
  temporal = await createTestNamespace();
  endWorker = await startIdleWorker(temporal, TASK_QUEUE);
});
afterAll(async () => {
  await endWorker?.();
  await temporal?.close();
});

it('is there for what it polls for, and for nothing else', async () => {
  expect(await isPolled(temporal.client, asked('activities'))).toBe(true);
  expect(await isPolled(temporal.client, asked('workflows'))).toBe(false);
  expect(await isPolled(temporal.client, { ...asked('activities'), taskQueue: 'another' })).toBe(false);
});

it('that has not polled for longer than a poll lasts is not there any more', async () => {
  const polled = Date.now();
  expect(await isPolled(temporal.client, asked('activities'), polled + MINUTE)).toBe(true);
  expect(await isPolled(temporal.client, asked('activities'), polled + 2 * MINUTE)).toBe(false);
});
