// After a restore: reconcile brings back what was acknowledged and is gone, and lets mail go out again; undo goes back to the
// database that was there before.
import { proxyActivities, setHandler } from '@temporalio/workflow';
import type { FollowUpActivities } from '../activities/restore/follow-up';
import { type FollowUpInput, type FollowUpResult, type FollowUpStep, progress } from './contracts/restore-follow-up';
import { exclusively } from './exclusively';
import { newId } from './new-id';
import { RECOVERY_STEP } from './profiles';
import { keepProgress } from './recovery-progress';

const { bringBackTruth, reconcileLost, releaseSending, undoSwitch, forgetTruth, listLost } =
  proxyActivities<FollowUpActivities>(RECOVERY_STEP);

export function reconcileRestore({ restoreId, acceptLoss }: FollowUpInput): Promise<FollowUpResult> {
  return follow(`reconcile restore ${restoreId}`, async (step) => {
    let drafts = 0;
    if (!acceptLoss) {
      await step('truth', () => bringBackTruth(restoreId));
      drafts = await step('reconcile', () => reconcileLost(restoreId));
    }
    await step('release', () => releaseSending({ restoreId, acceptLoss: acceptLoss ?? false }));
    await forgetTruth(restoreId);
    return { restoreId, drafts };
  });
}

export function undoRestore({ restoreId }: FollowUpInput): Promise<FollowUpResult> {
  return follow(`undo restore ${restoreId}`, async (step) => {
    const undoId = newId();
    await step('switch', () => undoSwitch({ restoreId, undoId }));
    await step('lost', () => listLost(undoId));
    return { restoreId: undoId, drafts: 0 };
  });
}

type Step = <T>(step: FollowUpStep, work: () => Promise<T>) => Promise<T>;

function follow(title: string, work: (step: Step) => Promise<FollowUpResult>): Promise<FollowUpResult> {
  const told = keepProgress<FollowUpStep, FollowUpResult>(title);
  setHandler(progress, told.read);
  return told.untilEnd(() =>
    exclusively('restore', () => {
      told.show({ status: 'running' });
      return work(told.step);
    }),
  );
}
