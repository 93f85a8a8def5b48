// One run of retention: what is old goes, a stretch at a time, until nothing is left that may go.
import {
  CancellationScope,
  continueAsNew,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { DraftRetentionActivities } from '../activities/draft-retention';
import {
  type CleanupProgress,
  type CleanupReason,
  changed,
  type DraftRetentionInput,
  progress,
} from './contracts/draft-retention';
import { DATABASE_STEP, RETENTION_STEP } from './profiles';

const { beginCleanup, finishCleanup } = proxyLocalActivities<DraftRetentionActivities>(DATABASE_STEP);
const { eraseOldDrafts, removeAgedRows } = proxyActivities<DraftRetentionActivities>(RETENTION_STEP);

const STRETCHES_A_RUN = 100;
/** What somebody holds locked is tried again so often, and then left to the next run. */
const MOST_PASSES = 5;
const BETWEEN_PASSES_MS = 30_000;

export async function draftRetention(input: DraftRetentionInput = {}): Promise<CleanupProgress | null> {
  const isScheduled = input.cleanupId === undefined;
  const cleanupId = input.cleanupId ?? newId();
  let passes = input.passes ?? 0;
  let known: CleanupProgress | null = null;
  const learn = (news: CleanupProgress | null) => {
    known = news;
    setCurrentDetails(describe(cleanupId, news));
    return news;
  };
  const finish = async (reason: CleanupReason | null) => learn(await finishCleanup(cleanupId, reason));
  setHandler(changed, () => {});
  setHandler(progress, () => known);

  try {
    const begun = learn(await beginCleanup(cleanupId, isScheduled));
    if (begun?.status !== 'running') return begun;
    for (let stretch = 0; stretch < STRETCHES_A_RUN && !workflowInfo().continueAsNewSuggested; stretch++) {
      const { end, ...news } = await eraseOldDrafts(cleanupId);
      learn(news);
      switch (end) {
        case 'time':
          continue;
        case 'stopped':
          return news;
        case 'clean':
          await removeAgedRows();
          return await finish(null);
        case 'some_left':
          if (++passes === MOST_PASSES) return await finish('locked');
          await sleep(BETWEEN_PASSES_MS);
      }
    }
  } catch (error) {
    const isCancelled = isCancellation(error);
    await CancellationScope.nonCancellable(() => finish(isCancelled ? 'cancelled' : 'gave_up'));
    if (isCancelled) throw error;
    return known;
  }
  return continueAsNew<typeof draftRetention>({ cleanupId, passes });
}

/** A UUIDv7, the same in every replay. */
function newId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${uuid4().slice(15)}`;
}

/** In Markdown, for the Web UI. */
function describe(cleanupId: string, news: CleanupProgress | null): string {
  if (!news) return 'Another run was at work, or its row is gone: nothing to do.';
  return `**${news.status}**: ${news.drafts} drafts erased, ${news.held} held. Run ${cleanupId}.`;
}
