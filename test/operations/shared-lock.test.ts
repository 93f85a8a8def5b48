// Erasures hold the operations lock together, for a while; nobody else comes between, and nobody waits for ever.
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { operations } from '../../workflows';
import {
  type Acquisition,
  acquire,
  type Claimant,
  HELD,
  type Holder,
  OPERATIONS_ID,
  release,
  SHARED_FOR_MS,
  state,
} from '../../workflows/contracts/operations';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { type RunningWorkflows, runWorkflows } from '../support/time-skipping';

let environment: TestWorkflowEnvironment;
let workflows: RunningWorkflows;
beforeAll(async () => {
  workflows = await runWorkflows({
    taskQueue: TASK_QUEUES.ops,
  });
  environment = workflows.environment;
});
beforeEach(async () => {
  await environment.client.workflow.start(operations, {
    workflowId: OPERATIONS_ID,
    taskQueue: TASK_QUEUES.ops,
    args: [],
  });
});
afterEach(() => lock().terminate());
afterAll(() => workflows?.stop());

const lock = () => environment.client.workflow.getHandle(OPERATIONS_ID);
const erasure = (n: number): Acquisition => ({
  process: 'userErasure',
  workflowId: `erasure-${n}`,
  firstRunId: `${n}`,
});
const BACKUP: Acquisition = { process: 'backup', workflowId: 'backup', firstRunId: 'b' };
const ask = (asked: Acquisition): Promise<Holder> => lock().executeUpdate(acquire, { args: [asked] });
const give = (claimant: Claimant) => lock().executeUpdate(release, { args: [claimant] });
/** Who holds it, as the refusal says. */
const refusal = async (asked: Acquisition): Promise<string> => {
  const error = await ask(asked).then(
    () => null,
    (caught: { cause?: { type?: string; details?: Holder[] } }) => caught.cause,
  );
  expect(error?.type).toBe(HELD);
  return error?.details?.[0]?.workflowId ?? '';
};

it('lets erasures hold it together, and a backup only after the last of them', async () => {
  await ask(erasure(1));
  await ask(erasure(2));
  expect(await refusal(BACKUP)).toBe('erasure-1');
  await give(erasure(1));
  expect(await lock().query(state)).toMatchObject({ workflowId: 'erasure-2' });
  expect(await refusal(BACKUP)).toBe('erasure-2');
  await give(erasure(2));
  expect(await ask(BACKUP)).toMatchObject({ workflowId: 'backup' });
  expect(await refusal(erasure(3))).toBe('backup');
});

it('is shared no longer than a while, so that others have their turn', async () => {
  await ask(erasure(1));
  await environment.sleep(SHARED_FOR_MS - 1_000);
  await ask(erasure(2));
  await environment.sleep(2_000);
  expect(await refusal(erasure(3))).toBe('erasure-1');
  await give(erasure(1));
  await ask(erasure(3));
});

it('is taken over from several that have gone, and from none that has not', async () => {
  await ask(erasure(1));
  await ask(erasure(2));
  expect(await refusal({ ...BACKUP, takeOver: erasure(1) })).toBe('erasure-2');
  expect(await ask({ ...BACKUP, takeOvers: [erasure(1), erasure(2)] })).toMatchObject({ workflowId: 'backup' });
});

it('is held by all of them still when its history has become long', async () => {
  await ask(erasure(1));
  await ask(erasure(2));
  const { runId } = await lock().describe();
  for (let n = 0; n < 200; n++) await ask(erasure(2));
  const next = await lock().describe();
  expect(next.runId).not.toBe(runId);
  await give(erasure(1));
  expect(await refusal(BACKUP)).toBe('erasure-2');
});
