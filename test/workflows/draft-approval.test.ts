import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { uuidv7 } from 'uuidv7';
import type { DraftApprovalActivities } from '../../activities/draft-approval';
import { draftApproval } from '../../workflows';
import { changed, type DraftState, draftApprovalId, state } from '../../workflows/contracts/draft-approval';
import { LOOKS_AGAIN_MS } from '../../workflows/profiles';
import { endOf, type RunningWorkflows, runWorkflows } from '../support/time-skipping';
import { until } from '../support/until';

const HOUR = 3_600_000;
const TASK_QUEUE = 'processes';

let environment: TestWorkflowEnvironment;
let workflows: RunningWorkflows;
/** What PostgreSQL would say of each draft, and the steps that were taken. */
const rows = new Map<string, DraftState>();
const steps: string[] = [];
/** When each release was asked for, in milliseconds of the test server's clock. */
const releasesAskedAt: number[] = [];

const activities: DraftApprovalActivities = {
  readDraftState: async (draftId) => rows.get(draftId) ?? null,
  async expireDraft(draftId) {
    steps.push(`expire ${draftId}`);
    const row = rows.get(draftId) as DraftState;
    const passed = (await environment.currentTimeMs()) >= Date.parse(row.expiresAt as string);
    return passed ? change(draftId, { status: 'expired' }) : row;
  },
  async releaseDraft(draftId) {
    steps.push(`release ${draftId}`);
    releasesAskedAt.push(await environment.currentTimeMs());
    const row = rows.get(draftId) as DraftState;
    return row.status === 'approved' ? change(draftId, { status: 'scheduled' }) : row;
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

function change(draftId: string, changes: Partial<DraftState>): DraftState {
  const row = rows.get(draftId) as DraftState;
  const next = { ...row, version: row.version + 1, ...changes };
  rows.set(draftId, next);
  return next;
}

async function hoursFromNow(hours: number): Promise<string> {
  return new Date((await environment.currentTimeMs()) + hours * HOUR).toISOString();
}

/** A draft as it was submitted, and the process that a message about it starts. */
async function submit(changes: Partial<DraftState> = {}) {
  const draftId = uuidv7();
  rows.set(draftId, {
    generation: 1,
    version: 1,
    status: 'pending_review',
    revision: 1,
    expiresAt: await hoursFromNow(72),
    dueAt: null,
    outcome: null,
    ...changes,
  });
  return { draftId, handle: await tell(draftId, rows.get(draftId) as DraftState) };
}

const tell = (draftId: string, message: DraftState) =>
  environment.client.workflow.signalWithStart(draftApproval, {
    workflowId: draftApprovalId(draftId),
    taskQueue: TASK_QUEUE,
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    args: [{ draftId }],
    signal: changed,
    signalArgs: [message],
  });

const stepsOf = (draftId: string) => steps.filter((step) => step.endsWith(draftId)).map((step) => step.split(' ')[0]);

describe('the approval of a draft', () => {
  it('expires at its deadline after 72 hours, and not before', async () => {
    const { draftId, handle } = await submit();
    await environment.sleep(71.9 * HOUR);
    expect((await handle.query(state))?.status).toBe('pending_review');
    expect(stepsOf(draftId)).toEqual([]);
    expect(await handle.result()).toBe('expired');
    const late = (await endOf(handle)) - Date.parse(rows.get(draftId)?.expiresAt as string);
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(60_000);
  });

  it('asks again where the database says that the deadline has not come yet', async () => {
    const { draftId, handle } = await submit();
    const row = rows.get(draftId) as DraftState;
    // The message named an earlier deadline than the row has.
    rows.set(draftId, { ...row, expiresAt: await hoursFromNow(72.001) });
    expect(await handle.result()).toBe('expired');
    expect(stepsOf(draftId).length).toBeGreaterThan(1);
  });

  it('releases an approved draft and ends when its mail is delivered', async () => {
    const { draftId, handle } = await submit();
    await handle.signal(changed, change(draftId, { status: 'approved' }));
    await until('the draft is released', async () => (await handle.query(state))?.status === 'scheduled');
    expect(stepsOf(draftId)).toEqual(['release']);
    await handle.signal(changed, change(draftId, { status: 'sending' }));
    await handle.signal(changed, change(draftId, { status: 'sent', outcome: 'delivered' }));
    expect(await handle.result()).toBe('sent');
    expect(stepsOf(draftId)).toEqual(['release']);
  });

  it.each(['rejected', 'withdrawn', 'erased'] as const)(
    'ends without a release when the draft is %s',
    async (status) => {
      const { draftId, handle } = await submit();
      await handle.signal(changed, change(draftId, { status }));
      expect(await handle.result()).toBe(status);
      expect(stepsOf(draftId)).toEqual([]);
    },
  );

  it('ends when a released draft is withdrawn within the undo window', async () => {
    const { draftId, handle } = await submit();
    await handle.signal(changed, change(draftId, { status: 'approved' }));
    await until('the draft is released', () => stepsOf(draftId).includes('release'));
    await handle.signal(changed, change(draftId, { status: 'withdrawn' }));
    expect(await handle.result()).toBe('withdrawn');
  });

  it('moves the deadline with a revision', async () => {
    const { draftId, handle } = await submit();
    await environment.sleep('71 hours');
    const expiresAt = await hoursFromNow(72);
    await handle.signal(changed, change(draftId, { revision: 2, expiresAt }));
    await environment.sleep('71 hours');
    expect(await handle.query(state)).toMatchObject({ status: 'pending_review', revision: 2, expiresAt });
    expect(await handle.result()).toBe('expired');
    expect(await endOf(handle)).toBeGreaterThanOrEqual(Date.parse(expiresAt));
  });

  it('expires a draft whose author never made the requested changes', async () => {
    const { draftId, handle } = await submit();
    await handle.signal(changed, change(draftId, { status: 'changes_requested' }));
    expect(await handle.result()).toBe('expired');
  });

  it('goes on waiting for a parked draft until a person has resolved it', async () => {
    const { draftId, handle } = await submit();
    await handle.signal(changed, change(draftId, { status: 'approved' }));
    await until('the draft is released', async () => (await handle.query(state))?.status === 'scheduled');
    await handle.signal(changed, change(draftId, { status: 'failed', outcome: 'unknown' }));
    await environment.sleep('100 hours');
    expect(await handle.query(state)).toMatchObject({ status: 'failed', outcome: 'unknown' });
    await handle.signal(changed, change(draftId, { status: 'sent', outcome: 'delivered' }));
    expect(await handle.result()).toBe('sent');
  });
});

describe('messages to the approval of a draft', () => {
  it('keeps the highest version, however messages are ordered and repeated', async () => {
    const { draftId, handle } = await submit();
    const second = change(draftId, { status: 'changes_requested' });
    const third = change(draftId, { status: 'pending_review', revision: 2 });
    for (const message of [third, second, third, second]) await handle.signal(changed, message);
    expect(await handle.query(state)).toMatchObject({ version: 3, revision: 2, status: 'pending_review' });
    await handle.signal(changed, change(draftId, { status: 'rejected' }));
    await handle.result();
  });

  it('takes a lower version of a later generation, as a restore makes it', async () => {
    const { draftId, handle } = await submit({ version: 9 });
    await handle.signal(changed, {
      ...(rows.get(draftId) as DraftState),
      generation: 2,
      version: 3,
      status: 'rejected',
    });
    expect(await handle.result()).toBe('rejected');
  });

  it('does not ask over and over where the database knows less than a message said', async () => {
    const { draftId, handle } = await submit();
    releasesAskedAt.length = 0;
    await handle.signal(changed, { ...(rows.get(draftId) as DraftState), version: 7, status: 'approved' });
    await environment.sleep('150 seconds');
    // The server's clock may pass the end of a sleep before it stops: the gaps count, not how many fit.
    const gaps = releasesAskedAt.slice(1).map((at, n) => at - (releasesAskedAt[n] as number));
    expect(gaps.length).toBeGreaterThanOrEqual(2);
    for (const gap of gaps) expect(gap).toBeGreaterThan(LOOKS_AGAIN_MS - 5000);
    rows.set(draftId, { ...(rows.get(draftId) as DraftState), version: 8, status: 'approved' });
    await handle.signal(changed, rows.get(draftId) as DraftState);
    await until('the draft is released', async () => (await handle.query(state))?.status === 'scheduled');
    await handle.signal(changed, change(draftId, { status: 'sent', outcome: 'delivered' }));
    expect(await handle.result()).toBe('sent');
  });

  it('reads its row first, and ends at once where that is final already', async () => {
    const draftId = uuidv7();
    const message = {
      generation: 1,
      version: 1,
      revision: 1,
      expiresAt: await hoursFromNow(72),
      dueAt: null,
      outcome: null,
    };
    rows.set(draftId, { ...message, version: 4, status: 'withdrawn' });
    const handle = await tell(draftId, { ...message, status: 'pending_review' });
    expect(await handle.result()).toBe('withdrawn');
  });

  it('ends where its draft is gone', async () => {
    const draftId = uuidv7();
    const handle = await tell(draftId, {
      generation: 1,
      version: 1,
      status: 'pending_review',
      revision: 1,
      expiresAt: null,
      dueAt: null,
      outcome: null,
    });
    expect(await handle.result()).toBe('gone');
  });

  it('never starts a finished process again: a late message is refused', async () => {
    const { draftId, handle } = await submit();
    const rejected = change(draftId, { status: 'rejected' });
    await handle.signal(changed, rejected);
    await handle.result();
    await expect(tell(draftId, rejected)).rejects.toThrow(/already/i);
  });
});
