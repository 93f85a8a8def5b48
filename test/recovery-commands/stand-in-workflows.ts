// STAND-IN: obeys the contracts of backup, restore and drill, and does nothing, until the real workflows are merged.
import { condition, defineQuery, proxyActivities, setHandler } from '@temporalio/workflow';
import {
  type BackupInput,
  type BackupResult,
  type BackupStep,
  progress as backupProgress,
} from '../../workflows/contracts/backup';
import type { RecoveryProgress } from '../../workflows/contracts/recovery-progress';
import {
  abort,
  confirmSwitch,
  type RestoreInput,
  type RestoreResult,
  type RestoreStep,
  progress as restoreProgress,
} from '../../workflows/contracts/restore';

const { work } = proxyActivities<{ work(what: string): Promise<void> }>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '10 s',
});

const anyProgress = defineQuery<RecoveryProgress<string, unknown>>('progress');

const begun = <Step extends string, Result>(): RecoveryProgress<Step, Result> => ({
  status: 'running',
  startedAt: new Date().toISOString(),
  finishedAt: null,
  steps: [],
  result: null,
  problem: null,
});

async function step<Step extends string>(state: RecoveryProgress<Step, unknown>, name: Step): Promise<void> {
  const entry = { step: name, startedAt: new Date().toISOString(), finishedAt: null as string | null };
  state.steps.push(entry);
  await work(name);
  entry.finishedAt = new Date().toISOString();
}

function end(state: RecoveryProgress<string, unknown>, status: RecoveryProgress<string, unknown>['status']): void {
  [state.status, state.finishedAt] = [status, new Date().toISOString()];
}

export async function backup({ setId = '', kind, parts }: BackupInput): Promise<void> {
  const state = begun<BackupStep, BackupResult>();
  setHandler(backupProgress, () => state);
  for (const part of parts) await step(state, part);
  state.result = { setId, kind, size: 2_000_000, stored: 1_000_000, walChecked: 7, pruned: [] };
  end(state, 'done');
}

export async function restore({ target, dryRun, yes }: RestoreInput): Promise<void> {
  const state = begun<RestoreStep, RestoreResult>();
  let word: 'confirmed' | 'aborted' | null = yes ? 'confirmed' : null;
  setHandler(restoreProgress, () => state);
  setHandler(confirmSwitch, () => {
    word = 'confirmed';
  });
  setHandler(abort, () => {
    word = 'aborted';
  });
  await step(state, 'preflight');
  if (target.before === 'nothing') {
    state.problem = { code: 'no_restore_point', message: 'There is no restore point of this name.' };
    return end(state, 'refused');
  }
  const time = target.time ?? null;
  const plan = {
    setId: '20260123T180000Z',
    time,
    to: time ? ('time' as const) : ('set' as const),
    restorePoint: null,
    timeline: 1,
    size: 2_000_000,
    free: 9_000_000,
  };
  state.result = {
    plan,
    cluster: 'data-x',
    previous: 'data',
    recoveredTo: null,
    generation: 2,
    parked: 3,
    journalComplete: true,
    lost: null,
  };
  if (dryRun) return end(state, 'done');
  await step(state, 'postgres');
  state.status = 'awaiting_confirmation';
  await condition(() => word !== null);
  if (word === 'confirmed') state.status = 'running';
  if (word === 'confirmed') await step(state, 'switch');
  end(state, word === 'confirmed' ? 'done' : 'aborted');
}

export async function reconcileRestore(): Promise<void> {
  const state = begun<'drafts', { reconciled: number }>();
  setHandler(anyProgress, () => state);
  await step(state, 'drafts');
  state.result = { reconciled: 5 };
  end(state, 'done');
}

export async function restoreDrill(): Promise<void> {
  const state = begun<'restore', null>();
  setHandler(anyProgress, () => state);
  await step(state, 'restore');
  end(state, 'done');
}
