// The calendar of an export, with its activities played. Hours of trouble pass in milliseconds.
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { uuidv7 } from 'uuidv7';
import type { PersonExportActivities } from '../../activities/person-export';
import { personExport } from '../../workflows';
import { changed, type PersonExportState, personExportId, state } from '../../workflows/contracts/person-export';
import { endOf, type RunningWorkflows, runWorkflows } from '../support/time-skipping';
import { until } from '../support/until';

const HOUR = 3_600_000;
const TASK_QUEUE = 'processes';

let environment: TestWorkflowEnvironment;
let workflows: RunningWorkflows;
/** What PostgreSQL would say of each export, and what each attempt to write its document does. */
const rows = new Map<string, PersonExportState>();
const attempts = new Map<string, number>();
const codes = new Map<string, string>();
let failuresLeft = 0;

const change = (id: string, status: PersonExportState['status']): PersonExportState | null => {
  const row = rows.get(id);
  if (!row) return null;
  const next = row.status === 'pending' ? { ...row, version: row.version + 1, status } : row;
  rows.set(id, next);
  return next;
};

const activities: PersonExportActivities = {
  readExportState: async (id) => rows.get(id) ?? null,
  async writeExport(id) {
    attempts.set(id, (attempts.get(id) ?? 0) + 1);
    if (failuresLeft-- > 0) throw ApplicationFailure.retryable('hubspot_away', 'hubspot_away');
    return change(id, 'ready');
  },
  async failExport({ exportId, code }) {
    codes.set(exportId, code);
    return change(exportId, 'failed');
  },
};

beforeAll(async () => {
  workflows = await runWorkflows({
    taskQueue: TASK_QUEUE,
    activities,
  });
  environment = workflows.environment;
});
afterAll(() => workflows?.stop());
beforeEach(() => {
  failuresLeft = 0;
});

async function request(status: PersonExportState['status'] | null = 'pending') {
  const id = uuidv7();
  const row: PersonExportState = { generation: 1, version: 1, status: 'pending' };
  if (status !== null) rows.set(id, { ...row, status });
  const handle = await environment.client.workflow.signalWithStart(personExport, {
    workflowId: personExportId(id),
    taskQueue: TASK_QUEUE,
    args: [{ exportId: id }],
    signal: changed,
    signalArgs: [row],
  });
  return { id, handle };
}

describe('the export of a person', () => {
  it('has its document written, and is ready', async () => {
    const { id, handle } = await request();
    expect(await handle.result()).toBe('ready');
    expect(attempts.get(id)).toBe(1);
    expect(await handle.query(state)).toMatchObject({ status: 'ready' });
  });

  it('is tried again while a store does not answer', async () => {
    failuresLeft = 10;
    const { id, handle } = await request();
    expect(await handle.result()).toBe('ready');
    expect(attempts.get(id)).toBe(11);
  });

  it('has failed after some two hours at most, and says why', async () => {
    failuresLeft = 1_000;
    const before = await environment.currentTimeMs();
    const { id, handle } = await request();
    expect(await handle.result()).toBe('failed');
    expect(codes.get(id)).toBe('hubspot_away');
    expect((await endOf(handle)) - before).toBeLessThan(2 * HOUR);
  });

  it('that an operator cancels has failed', async () => {
    failuresLeft = 1_000;
    const { id, handle } = await request();
    await until('it is tried', () => (attempts.get(id) ?? 0) > 0);
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    expect([codes.get(id), rows.get(id)?.status]).toEqual(['cancelled', 'failed']);
  });

  it.each(['ready', 'failed', 'expired', 'erased'] as const)('has nothing to do where it is %s', async (status) => {
    const { id, handle } = await request(status);
    expect(await handle.result()).toBe(status);
    expect(attempts.get(id)).toBeUndefined();
  });

  it('ends where a restore of the database has undone it', async () => {
    const { handle } = await request(null);
    expect(await handle.result()).toBe('gone');
  });
});
