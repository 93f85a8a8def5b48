// One restore: prepared beside the running database, checked, told that time was rewound, and only then, when somebody says
// so, switched to. The old database stays for an undo.
import { ApplicationFailure, CancellationScope, condition, proxyActivities, setHandler } from '@temporalio/workflow';
import type { RestoreActivities } from '../activities/restore';
import type { FollowUpActivities } from '../activities/restore/follow-up';
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
import { isRefusal, problemOf, trackSteps } from './recovery-steps';

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

/** It holds the lock of all operations meanwhile. */
const CONFIRMED_WITHIN = '24 hours';
const REFUSED = 'RestoreRefused';

export async function restore({ restoreId, target, dryRun, yes }: RestoreInput): Promise<RestoreResult> {
  const told = trackSteps<RestoreStep, RestoreResult>(progress, `Restore ${restoreId}`);
  let answer: 'switch' | 'abort' | null = yes ? 'switch' : null;
  let isSwitching = false;
  setHandler(confirmSwitch, () => {
    answer ??= 'switch';
  });
  setHandler(abort, () => {
    if (!isSwitching) answer = 'abort';
  });
  const isAborted = () => answer === 'abort';
  /** Between steps. */
  const goOn = () => {
    if (isAborted())
      throw ApplicationFailure.nonRetryable('It was aborted: nothing has been changed.', 'Aborted', 'aborted');
  };

  try {
    return await exclusively('restore', async () => {
      told.is('running');
      const plan = await told.step('preflight', () => preflightRestore(target));
      const result: RestoreResult = { ...NOTHING_YET, plan };
      if (dryRun) {
        told.end('done', result);
        return result;
      }
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
        told.is('awaiting_confirmation');
        await told.step('confirm', () => condition(() => answer !== null, CONFIRMED_WITHIN));
        answer ??= 'abort';
        told.is('running');
      }
      goOn();
      isSwitching = true;
      const record = await told.step('switch', () => switchToRestored({ restoreId, plan }));
      Object.assign(result, { cluster: record.cluster, previous: record.previous, generation: record.generation });
      await told.step('redis', () => restoreRedis({ restoreId, plan }));
      result.lost = await told.step('lost', () => listLost(restoreId));
      told.end('done', result);
      return result;
    });
  } catch (error) {
    if (!isSwitching) await CancellationScope.nonCancellable(() => discardRestored(restoreId));
    const problem = problemOf(error);
    told.end(isAborted() ? 'aborted' : isRefusal(error, REFUSED) ? 'refused' : 'failed', null, problem);
    throw ApplicationFailure.nonRetryable(problem.message, 'RestoreFailed', problem.code);
  }
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
