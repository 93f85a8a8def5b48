// The calendar of an erasure: the grace period, the month, its extension, the rounds. Days pass in milliseconds.
import { Context } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { uuidv7 } from 'uuidv7';
import type { OperationsActivities } from '../../activities/operations';
import type { RestorePointActivities } from '../../activities/restore-points';
import type { UserErasureActivities } from '../../activities/user-erasure';
import { userErasure } from '../../workflows';
import {
  changed,
  ERASURE_STEPS,
  type ErasureState,
  state,
  userErasureId,
} from '../../workflows/contracts/user-erasure';
import { endOf, type RunningWorkflows, runWorkflows } from '../support/time-skipping';
import { until } from '../support/until';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TASK_QUEUE = 'processes';

let environment: TestWorkflowEnvironment;
let workflows: RunningWorkflows;
/** What PostgreSQL would say of each erasure, what was done, and what the scans find. */
const rows = new Map<string, ErasureState>();
const done: [id: string, what: string][] = [];
const found = new Map<string, number[]>();
const held = new Set<string>();
/** Whose findings are all of content that came since the purge. */
const late = new Set<string>();
/** Milliseconds until a scan may begin, as it is asked. */
const waits = new Map<string, number[]>();
const begun = new Map<string, number>();

/** Whose row a restore takes away while the stores are gone through. */
const undone = new Set<string>();

const change = (id: string, changes: Partial<ErasureState>): ErasureState => {
  const row = rows.get(id) as ErasureState;
  const next = { ...row, version: row.version + 1, ...changes };
  rows.set(id, next);
  return next;
};
/** Whose preview no store answers. */
const unanswered = new Set<string>();
const note = (id: string, what: string) => done.push([id, what]);

/** Who holds it is noted among what was done; steps that fail, by their number. */
let failures = 0;
let databaseFailures = 0;
const lock: OperationsActivities & RestorePointActivities = {
  async acquireOperations() {
    note(requestOf(), 'acquire');
  },
  async releaseOperations() {
    note(requestOf(), 'release');
  },
  async markRestorePoint({ id }) {
    note(id, 'mark');
  },
};
const requestOf = () => Context.current().info.workflowExecution?.workflowId.replace('erasure-', '') ?? '';

const activities: UserErasureActivities = {
  readErasureState: async (id) => rows.get(id) ?? null,
  async previewErasure(id) {
    note(id, 'preview');
    if (unanswered.has(id)) throw new Error('away');
    const row = rows.get(id);
    return row?.status === 'waiting' ? change(id, { previewed: true }) : (row ?? null);
  },
  async skipPreview(id) {
    note(id, 'skip');
    return rows.has(id) ? change(id, { previewed: true }) : null;
  },
  async beginErasure(id) {
    const row = rows.get(id);
    if (!row) return null;
    const isOver = row.confirmed || (await environment.currentTimeMs()) >= Date.parse(row.graceUntil);
    if (row.status !== 'waiting' || !isOver) return row;
    begun.set(id, await environment.currentTimeMs());
    return change(id, { status: 'erasing' });
  },
  async takeErasureStep({ requestId, step }) {
    if (step === 'hubspot' && failures-- > 0) throw new Error('away');
    note(requestId, step);
    if (undone.has(requestId)) rows.delete(requestId);
  },
  async concludePurge(id) {
    if (!rows.has(id)) return null;
    if (databaseFailures-- > 0) throw new Error('away');
    return change(id, { status: held.has(id) ? 'suspended' : 'scanning' });
  },
  async scanStores(id) {
    note(id, 'scan');
    return { needles: 1, sources: [{ source: 'postgres', items: 1, bytes: 1, findings: found.get(id)?.shift() ?? 0 }] };
  },
  async settleLateFindings(id) {
    note(id, 'settle');
    return late.has(id) ? { needles: 1, late: 1, sources: [] } : null;
  },
  untilNextScan: async (id) => waits.get(id)?.shift() ?? 0,
  certifyErasure: async ({ requestId }) => change(requestId, { status: 'certified' }),
  eraseAgain: async (id) => change(id, { status: 'erasing' }),
  async lookAtHoldsAgain(id) {
    note(id, 'look');
    return held.has(id) ? (rows.get(id) as ErasureState) : change(id, { status: 'erasing' });
  },
  giveErasureUp: async (id) => change(id, { status: 'failed' }),
  async noteErasureDeadline(id, what) {
    note(id, what);
  },
};

beforeAll(async () => {
  workflows = await runWorkflows({
    taskQueue: TASK_QUEUE,
    activities: { ...activities, ...lock },
  });
  environment = workflows.environment;
});
afterAll(() => workflows?.stop());

async function request(changes: Partial<ErasureState> = {}, among?: Set<string>) {
  const id = uuidv7();
  among?.add(id);
  const now = await environment.currentTimeMs();
  const row: ErasureState = {
    generation: 1,
    version: 1,
    status: 'waiting',
    graceUntil: new Date(now + DAY).toISOString(),
    confirmed: false,
    previewed: true,
    deadline: new Date(now + 30 * DAY).toISOString(),
    ...changes,
  };
  rows.set(id, row);
  const handle = await environment.client.workflow.signalWithStart(userErasure, {
    workflowId: userErasureId(id),
    taskQueue: TASK_QUEUE,
    args: [{ requestId: id }],
    signal: changed,
    signalArgs: [row],
  });
  return { id, handle };
}
const whatWasDone = (id: string) => done.filter(([one]) => one === id).map(([, what]) => what);
/** Others may come between the purge and the scan. */
const SCAN = ['acquire', 'scan', 'release'];
const ALL = ['acquire', 'mark', ...ERASURE_STEPS, 'release', ...SCAN];

describe('the erasure of a person', () => {
  it('begins by itself when the grace period is over, and not before', async () => {
    const { id, handle } = await request();
    await environment.sleep(DAY - HOUR);
    expect(whatWasDone(id)).toEqual([]);
    expect(await handle.result()).toBe('certified');
    expect(whatWasDone(id)).toEqual(ALL);
  });

  it('begins at once when it is confirmed', async () => {
    const { id, handle } = await request();
    const before = await environment.currentTimeMs();
    await handle.signal(changed, change(id, { confirmed: true }));
    expect(await handle.result()).toBe('certified');
    expect((begun.get(id) as number) - before).toBeLessThan(HOUR);
  });

  it('has its preview made at once, and begins when the grace period is over', async () => {
    const { id, handle } = await request({ previewed: false });
    await until('it has its preview', async () => (await handle.query(state))?.previewed);
    expect(whatWasDone(id)).toEqual(['preview']);
    expect(await handle.result()).toBe('certified');
    expect(whatWasDone(id)).toEqual(['preview', ...ALL]);
  });

  it('makes its preview before it begins, where there is no grace period', async () => {
    const graceUntil = new Date(await environment.currentTimeMs()).toISOString();
    const { id, handle } = await request({ previewed: false, graceUntil });
    expect(await handle.result()).toBe('certified');
    expect(whatWasDone(id)).toEqual(['preview', ...ALL]);
  });

  it('begins without a preview that nobody could make within ten minutes', async () => {
    const before = await environment.currentTimeMs();
    const { id, handle } = await request({ previewed: false, graceUntil: new Date(before).toISOString() }, unanswered);
    expect(await handle.result()).toBe('certified');
    expect(whatWasDone(id).filter((what) => what !== 'preview')).toEqual(['skip', ...ALL]);
    expect((begun.get(id) as number) - before).toBeLessThan(0.25 * HOUR);
  });

  it('ends when it is cancelled while its preview is being made', async () => {
    const { id, handle } = await request({ previewed: false }, unanswered);
    await until('it tries', () => whatWasDone(id).includes('preview'));
    await handle.signal(changed, change(id, { status: 'cancelled' }));
    unanswered.delete(id);
    expect(await handle.result()).toBe('cancelled');
    expect(whatWasDone(id).filter((what) => what !== 'preview')).toEqual([]);
  });

  it('does nothing when it is cancelled', async () => {
    const { id, handle } = await request();
    await handle.signal(changed, change(id, { status: 'cancelled' }));
    expect(await handle.result()).toBe('cancelled');
    expect(whatWasDone(id)).toEqual([]);
  });

  it('goes through the stores again for what the scan still finds, and gives up after five rounds', async () => {
    const [twice, always] = [await request({ confirmed: true }), await request({ confirmed: true })];
    found.set(twice.id, [3]);
    found.set(always.id, [1, 1, 1, 1, 1]);
    expect([await twice.handle.result(), await always.handle.result()]).toEqual(['certified', 'failed']);
    expect(whatWasDone(twice.id)).toEqual([...ALL, 'acquire', ...ERASURE_STEPS, 'release', ...SCAN]);
    expect(whatWasDone(always.id).filter((what) => what === 'scan')).toHaveLength(5);
  });

  it('is certified after five rounds where all that is found has come since the last purge', async () => {
    const { id, handle } = await request({ confirmed: true });
    found.set(id, [1, 1, 1, 1, 1]);
    late.add(id);
    expect(await handle.result()).toBe('certified');
    const count = (what: string) => whatWasDone(id).filter((one) => one === what).length;
    expect([count('scan'), count('settle')]).toEqual([5, 1]);
  });

  it('waits while a hold suspends it, looks each hour, and goes on at once when it is told', async () => {
    const { id, handle } = await request({ confirmed: true });
    held.add(id);
    await until('it is suspended', async () => (await handle.query(state))?.status === 'suspended');
    await environment.sleep(2.5 * HOUR);
    const count = (what: string) => whatWasDone(id).filter((one) => one === what).length;
    expect([count('look'), count('postgres')]).toEqual([2, 1]);
    expect([count('acquire'), count('release')]).toEqual([1, 1]);
    held.delete(id);
    await handle.signal(changed, change(id, { status: 'erasing' }));
    expect(await handle.result()).toBe('certified');
    expect(count('postgres')).toBe(2);
    expect([count('acquire'), count('release')]).toEqual([3, 3]);
  });

  it('gives others their turn while a store or the database is away, and goes on until it is done', async () => {
    [failures, databaseFailures] = [10, 20];
    const { id, handle } = await request({ confirmed: true });
    expect(await handle.result()).toBe('certified');
    const turns = whatWasDone(id).filter((what) => what === 'acquire' || what === 'release');
    expect(turns).toEqual(Array(4).fill(['acquire', 'release']).flat());
    expect(whatWasDone(id).slice(-1 - ERASURE_STEPS.length - SCAN.length)).toEqual([
      ...ERASURE_STEPS,
      'release',
      ...SCAN,
    ]);
  });

  it('waits for the next scan without the lock, and is told of news meanwhile', async () => {
    const { id, handle } = await request({ confirmed: true });
    waits.set(id, [HOUR, 1_000]);
    const before = await environment.currentTimeMs();
    expect(await handle.result()).toBe('certified');
    expect((await endOf(handle)) - before).toBeGreaterThanOrEqual(HOUR);
    expect(whatWasDone(id)).toEqual(ALL);
  });

  it('writes down that the month is nearly over and that it is; an extension moves both', async () => {
    const graceUntil = new Date((await environment.currentTimeMs()) + 100 * DAY).toISOString();
    const { id, handle } = await request({ graceUntil });
    await environment.sleep(22 * DAY);
    expect(whatWasDone(id)).not.toContain('near');
    await environment.sleep(1.5 * DAY);
    expect(whatWasDone(id)).toContain('near');
    const later = new Date((await environment.currentTimeMs()) + 60 * DAY).toISOString();
    await handle.signal(changed, change(id, { deadline: later }));
    await environment.sleep(59 * DAY);
    expect(whatWasDone(id)).not.toContain('missed');
    await environment.sleep(2 * DAY);
    expect(whatWasDone(id)).toContain('missed');
    expect(await handle.result()).toBe('certified');
  });

  it('ends where a restore of the database has undone it, and gives the lock back at once', async () => {
    const [waiting, erasing] = [await request(), await request({ graceUntil: new Date(0).toISOString() })];
    rows.delete(waiting.id);
    undone.add(erasing.id);
    const before = await environment.currentTimeMs();
    expect(await erasing.handle.result()).toBe('gone');
    expect((await endOf(erasing.handle)) - before).toBeLessThan(DAY);
    expect(whatWasDone(erasing.id)).toEqual(['acquire', 'mark', ...ERASURE_STEPS, 'release']);
    expect(await waiting.handle.result()).toBe('gone');
    expect(whatWasDone(waiting.id)).toEqual([]);
  });

  it('has nothing to do where it has ended already', async () => {
    const { id, handle } = await request({ status: 'certified' });
    expect(await handle.result()).toBe('certified');
    expect(whatWasDone(id)).toEqual([]);
  });
});
