// Backups, restores and drills as Temporal runs them: started, and looked at. For the commands and the API alike.
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { uuidv7 } from 'uuidv7';
import { toSetId } from '../../activities/backup/manifest';
import type { AdoptionInput } from '../../workflows/contracts/adoption';
import { type BackupInput, backupWorkflowId } from '../../workflows/contracts/backup';
import {
  ABORTED,
  REFUSED,
  type RecoveryProgress,
  type RecoveryStatus,
  type StepBeat,
  type StepWait,
} from '../../workflows/contracts/recovery-progress';
import { type RestoreInput, restoreWorkflowId } from '../../workflows/contracts/restore';
import { restoreDrillWorkflowId } from '../../workflows/contracts/restore-drill';
import { ProcessAttribute } from '../../workflows/contracts/search-attributes';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';

const ANSWERS_WITHIN_MS = 3_000;
const MOST_LISTED = 500;
const ATTRIBUTES_WITHIN_MS = 30_000;
const TRIES_AGAIN_MS = 500;
const SEARCH_ATTRIBUTE = /search attribute/;

export interface Run<Step extends string = string, Result = unknown>
  extends Omit<RecoveryProgress<Step, Result>, 'status'> {
  /** `unknown` where no worker answers. */
  status: RecoveryStatus | 'unknown';
  /** How far the running step is. */
  beat: StepBeat | null;
  /** Why what it waits for was tried in vain the last time. */
  /** Tells an operator what to do before the running step can go on; null if there is nothing. */
  waitsFor: string | null;
  trouble: string | null;
  /** It will not change any more. */
  isOver: boolean;
}

type Start = Omit<BackupInput, 'setId'>;

/** @returns the set's id: the second of its start, or the next one that nobody has taken */
export async function startBackup(temporal: Client, given: Start, now = new Date()): Promise<string> {
  for (let at = now.getTime(); ; at += 1000) {
    const setId = toSetId(new Date(at));
    const input: BackupInput = { setId, ...given };
    if (await start(temporal, 'backup', backupWorkflowId(setId), input, `Backup ${setId}, ${given.kind}`)) return setId;
  }
}

export class RestoreRunning extends Error {
  override name = 'RestoreRunning';
  constructor(readonly restoreId: string) {
    super(`Restore ${restoreId} is under way.`);
  }
}

/** Throws RestoreRunning: what is restored is decided one after the other. */
export async function startRestore(temporal: Client, given: Omit<RestoreInput, 'restoreId'>): Promise<string> {
  const [running] = await listRuns(temporal, 'restore', true);
  if (running) throw new RestoreRunning(running.workflowId.slice(restoreWorkflowId('').length));
  const restoreId = uuidv7();
  const input: RestoreInput = { restoreId, ...given };
  await start(temporal, 'restore', restoreWorkflowId(restoreId), input, `Restore ${restoreId}`);
  return restoreId;
}

export async function startDrill(temporal: Client): Promise<string> {
  const drillId = uuidv7();
  await start(temporal, 'restoreDrill', restoreDrillWorkflowId(drillId), { drillId }, `Restore drill ${drillId}`);
  return drillId;
}

interface StartAdoption extends Pick<AdoptionInput, 'as' | 'heldAt'> {
  workflowId: string;
  queue: string;
  yes: boolean;
}

/** One of a database at a time: another call finds the one that runs. */
export async function startAdoption(
  temporal: Client,
  { workflowId, queue, yes, ...asked }: StartAdoption,
): Promise<void> {
  const input: AdoptionInput = { adoptionId: uuidv7(), ...asked, ...(yes ? { yes } : {}) };
  const given = { taskQueue: queue, staticSummary: `Adoption of the database as ${asked.as}` };
  // A namespace that is new to the worker knows its search attributes only a few seconds after they were made.
  for (const deadline = Date.now() + ATTRIBUTES_WITHIN_MS; ; ) {
    try {
      return await startAgain(temporal, 'adoption', workflowId, input, given);
    } catch (error) {
      if (!SEARCH_ATTRIBUTE.test(String((error as Error).cause)) || Date.now() > deadline) throw error;
      await delay(TRIES_AGAIN_MS);
    }
  }
}

/** One at a time under its id; another one may follow it. */
export async function startAgain(
  temporal: Client,
  type: string,
  workflowId: string,
  input: object,
  given: { taskQueue?: string; staticSummary?: string } = {},
): Promise<void> {
  await temporal.workflow.start(type, {
    ...options(type, workflowId, input, type),
    ...given,
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  });
}

/** @returns false if there has been one of this id */
export async function start(
  temporal: Client,
  type: string,
  workflowId: string,
  input: object,
  summary: string,
  taskQueue: string = TASK_QUEUES.ops,
): Promise<boolean> {
  try {
    await temporal.workflow.start(type, {
      ...options(type, workflowId, input, summary),
      taskQueue,
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

const options = (type: string, workflowId: string, input: object, staticSummary: string) => ({
  workflowId,
  taskQueue: TASK_QUEUES.ops,
  args: [input],
  staticSummary,
  typedSearchAttributes: [{ key: ProcessAttribute, value: type }],
});

/** Null where there is none of this id, or Temporal has forgotten it. Throws while Temporal is away. */
export async function readRun<Step extends string = string, Result = unknown>(
  temporal: Client,
  workflowId: string,
): Promise<Run<Step, Result> | null> {
  const handle = temporal.workflow.getHandle(workflowId);
  const ask = <T>(question: () => Promise<T>) => temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, question);
  const progress = ask(() => handle.query<RecoveryProgress<Step, Result>, []>('progress')).catch(() => null);
  try {
    const [description, told] = [await ask(() => handle.describe()), await progress];
    if (told || description.status.name !== 'FAILED') return toRun(description, told);
    return { ...toRun<Step, Result>(description, null), ...(await ask(() => readFailure(handle))) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

const OVER: readonly (RecoveryStatus | 'unknown')[] = ['done', 'failed', 'refused', 'aborted'];

function toRun<Step extends string, Result>(
  { raw, status: { name }, startTime, closeTime }: WorkflowExecutionDescription,
  progress: RecoveryProgress<Step, Result> | null,
): Run<Step, Result> {
  const isOpen = name === 'RUNNING' || name === 'PAUSED';
  const told: RecoveryStatus | 'unknown' = progress?.status ?? 'unknown';
  // A workflow that was terminated told nothing of it.
  const isBroken = !isOpen && !OVER.includes(told) && !(progress === null && name === 'COMPLETED');
  const ended = { code: 'ended', message: `Its workflow has ended as ${name.toLowerCase()}.` };
  return {
    status: isBroken ? 'failed' : told,
    startedAt: progress?.startedAt ?? startTime.toISOString(),
    finishedAt: progress?.finishedAt ?? closeTime?.toISOString() ?? null,
    steps: progress?.steps ?? [],
    result: progress?.result ?? null,
    problem: progress?.problem ?? (isBroken ? ended : null),
    beat: isOpen ? beatOf(raw) : null,
    waitsFor: isOpen ? waitOf(raw) : null,
    trouble: isOpen ? troubleOf(raw) : null,
    isOver: !isOpen || OVER.includes(told),
  };
}

/** What the end of a failed workflow says by itself, if no worker tells its progress any more. */
async function readFailure(handle: WorkflowHandle): Promise<Pick<Run, 'status' | 'problem'> | null> {
  const cause = await handle.result().then(
    () => null,
    (error) => (error instanceof WorkflowFailedError ? error.cause : null),
  );
  if (!(cause instanceof ApplicationFailure)) return null;
  const problem = { code: cause.type ?? 'failed', message: cause.message };
  if (problem.code === ABORTED) return { status: 'aborted', problem };
  return { status: cause.details?.[0] === REFUSED ? 'refused' : 'failed', problem };
}

function beatOf(raw: WorkflowExecutionDescription['raw']): StepBeat | null {
  for (const { done, total = null, unit } of newsOf<StepBeat>(raw)) {
    if (typeof done === 'number' && unit) return { done, total, unit };
  }
  return null;
}

function waitOf(raw: WorkflowExecutionDescription['raw']): string | null {
  return newsOf<StepWait>(raw).find(({ waitsFor }) => typeof waitsFor === 'string')?.waitsFor ?? null;
}

/** The details of the heartbeats of what runs. */
function newsOf<T>({ pendingActivities }: WorkflowExecutionDescription['raw']): Partial<T>[] {
  return (pendingActivities ?? []).flatMap(({ heartbeatDetails }) => {
    const [payload] = heartbeatDetails?.payloads ?? [];
    return (payload && defaultPayloadConverter.fromPayload<Partial<T> | null>(payload)) ?? [];
  });
}

/** Codes and ids: whoever throws into a history says no more. */
const troubleOf = ({ pendingActivities }: WorkflowExecutionDescription['raw']): string | null =>
  pendingActivities?.map(({ lastFailure }) => lastFailure?.message).find(Boolean) ?? null;

export interface ListedRun {
  workflowId: string;
  startedAt: Date;
}

const OWN_NAME = new RegExp(`^${backupWorkflowId('(\\d{8}T\\d{6}Z)')}$`);

/** A schedule names its runs in its own way; their set has the time of their start. */
export const setIdOf = ({ workflowId, startedAt }: ListedRun): string =>
  OWN_NAME.exec(workflowId)?.[1] ?? toSetId(startedAt);

/** Null where there is none, or Temporal has forgotten it. */
export async function readBackupRun(temporal: Client, setId: string): Promise<Run | null> {
  const asked = await readRun(temporal, backupWorkflowId(setId));
  if (asked) return asked;
  const scheduled = (await listRuns(temporal, 'backup')).find((run) => setIdOf(run) === setId);
  return scheduled ? readRun(temporal, scheduled.workflowId) : null;
}

/** The newest first; what began a moment ago may be missing. */
export async function listRuns(temporal: Client, type: string, onlyRunning = false): Promise<ListedRun[]> {
  const query = `WorkflowType = '${type}'${onlyRunning ? " AND ExecutionStatus = 'Running'" : ''}`;
  return temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, async () => {
    const found: ListedRun[] = [];
    for await (const { workflowId, startTime } of temporal.workflow.list({ query })) {
      found.push({ workflowId, startedAt: startTime });
      if (found.length === MOST_LISTED) break;
    }
    return found.sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
  });
}
