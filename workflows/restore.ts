// One restore: prepared beside the running database, checked, told that time was rewound, and only then, when somebody says
// so, switched to. The old database stays for an undo.
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  patched,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { RestoreActivities } from '../activities/restore';
import type { FollowUpActivities } from '../activities/restore/follow-up';
import type { ExclusiveProcess } from './contracts/operations';
import { ABORTED } from './contracts/recovery-progress';
import {
  abort,
  confirmSwitch,
  progress,
  type RestoreInput,
  type RestoreResult,
  type RestoreStep,
} from './contracts/restore';
import { exclusively } from './exclusively';
import { RECOVERY_STEP } from './profiles';
import { keepProgress } from './recovery-progress';

const {
  preflightRestore,
  restoreClusterFiles,
  recoverCluster,
  checkRestored,
  rewindRestored,
  putFilesBack,
  switchToRestored,
  restoreRedis,
  discardRestored,
} = proxyActivities<RestoreActivities>(RECOVERY_STEP);
const { listLost } = proxyActivities<FollowUpActivities>(RECOVERY_STEP);

/** A restore waits for an erasure. It cancels these: they can be repeated, and may themselves wait for the lost database. */
const GIVE_WAY: ExclusiveProcess[] = ['backup', 'restoreDrill', 'clusterRetention'];
/** It holds the lock of all operations meanwhile. */
const CONFIRMED_WITHIN = '24 hours';

export async function restore({ restoreId, target, dryRun, yes }: RestoreInput): Promise<RestoreResult> {
  const told = keepProgress<RestoreStep, RestoreResult>(`restore ${restoreId}`);
  let answer: 'switch' | 'abort' | null = yes ? 'switch' : null;
  let isSwitching = false;
  /** An abort cancels it, so that it need not wait for a step that is tried again and again. */
  const preparing = new CancellationScope();
  setHandler(progress, told.read);
  setHandler(confirmSwitch, () => {
    answer ??= 'switch';
  });
  setHandler(abort, () => {
    if (isSwitching) return;
    answer = 'abort';
    if (patched('abort-interrupts')) preparing.cancel();
  });
  const isAborted = () => answer === 'abort';
  const givenUp = () => ApplicationFailure.nonRetryable('It was given up, and nothing has been changed.', ABORTED);
  /** Between steps. */
  const goOn = () => {
    if (isAborted()) throw givenUp();
  };

  async function prepareAndSwitch(): Promise<RestoreResult> {
    told.show({ status: 'running' });
    const plan = await told.step('preflight', () => preflightRestore(target));
    const result: RestoreResult = { ...NOTHING_YET, plan };
    if (dryRun) return result;
    goOn();
    await told.step('postgres', () => restoreClusterFiles({ restoreId, plan }));
    goOn();
    result.recoveredTo = await told.step('recover', () => recoverCluster({ restoreId, plan }));
    goOn();
    await told.step('check', () => checkRestored({ restoreId, plan }));
    goOn();
    const rewound = await told.step('rewind', () => rewindRestored({ restoreId, plan }));
    Object.assign(result, { parked: rewound.parked, journalComplete: rewound.complete });
    await told.step('files', () => putFilesBack({ restoreId, plan }));

    if (answer === null) {
      told.show({ status: 'awaiting_confirmation', result });
      await told.step('confirm', () => condition(() => answer !== null, CONFIRMED_WITHIN));
      answer ??= 'abort';
      told.show({ status: 'running' });
    }
    goOn();
    isSwitching = true;
    const record = await told.step('switch', () => switchToRestored({ restoreId, plan }));
    Object.assign(result, { cluster: record.cluster, previous: record.previous, generation: record.generation });
    await told.step('redis', () => restoreRedis({ restoreId, plan }));
    result.lost = await told.step('lost', () => listLost(restoreId));
    return result;
  }

  async function restoreOrDiscard(): Promise<RestoreResult> {
    try {
      return await prepareAndSwitch();
    } catch (error) {
      if (!isSwitching) await CancellationScope.nonCancellable(() => discardRestored(restoreId));
      throw error;
    }
  }
  async function unlessAborted(): Promise<RestoreResult> {
    try {
      return await preparing.run(() => exclusively('restore', restoreOrDiscard, dryRun ? {} : { cancels: GIVE_WAY }));
    } catch (error) {
      throw isAborted() && isCancellation(error) ? givenUp() : error;
    }
  }
  return told.untilEnd(unlessAborted);
}

const NOTHING_YET = {
  cluster: null,
  previous: null,
  recoveredTo: null,
  generation: null,
  parked: 0,
  journalComplete: true,
  lost: null,
};
