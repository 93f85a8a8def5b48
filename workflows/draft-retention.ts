// One run of retention: what is old goes, a stretch at a time, until nothing is left that may go.
import {
  type ActivityOptions,
  CancellationScope,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  type LocalActivityOptions,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { DraftRetentionActivities } from '../activities/draft-retention';
import type { RestorePointActivities } from '../activities/restore-points';
import {
  type CleanupProgress,
  type CleanupReason,
  changed,
  type DraftRetentionInput,
  progress,
} from './contracts/draft-retention';
import { exclusivelyInTurns, isWorn } from './exclusively';
import { newId } from './new-id';
import { DATABASE_STEP, HELD_BATCH, HELD_DATABASE_STEP, RETENTION_STEP, SHOWS_LIFE_EACH_MS } from './profiles';

const { beginCleanup, finishCleanup, showCleanupLives } = proxyLocalActivities<DraftRetentionActivities>(DATABASE_STEP);
const { markRestorePoint } = proxyActivities<RestorePointActivities>(HELD_BATCH);
const ALONE = stepsWith(RETENTION_STEP, DATABASE_STEP);
const HELD = stepsWith(HELD_BATCH, HELD_DATABASE_STEP);

function stepsWith(stretch: ActivityOptions, database: LocalActivityOptions) {
  const { eraseOldDrafts, removeAgedRows } = proxyActivities<DraftRetentionActivities>(stretch);
  const { finishCleanup } = proxyLocalActivities<DraftRetentionActivities>(database);
  return { eraseOldDrafts, removeAgedRows, finishCleanup };
}

const STRETCHES_A_RUN = 100;
/** What somebody holds locked is tried again so often, and then left to the next run. */
const MOST_PASSES = 5;
const BETWEEN_PASSES_MS = 30_000;
/** So often the lock is given back without a stretch in between: six hours of trouble. Waiting for it does not count. */
const MOST_WORN_TURNS = 52;

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
  const goOn = () => continueAsNew<typeof draftRetention>({ cleanupId, passes });
  let wornTurns = 0;
  setHandler(changed, () => {});
  setHandler(progress, () => known);

  /** Null: the rest is for another run. */
  async function erase(steps: typeof ALONE): Promise<{ ended: CleanupProgress | null } | null> {
    for (let stretch = 0; stretch < STRETCHES_A_RUN && !workflowInfo().continueAsNewSuggested; stretch++) {
      const { end, ...news } = await steps.eraseOldDrafts(cleanupId);
      wornTurns = 0;
      learn(news);
      switch (end) {
        case 'time':
          continue;
        case 'stopped':
          return { ended: news };
        case 'clean':
          await steps.removeAgedRows();
          return { ended: learn(await steps.finishCleanup(cleanupId, null)) };
        case 'some_left':
          if (++passes === MOST_PASSES) return { ended: learn(await steps.finishCleanup(cleanupId, 'locked')) };
          await sleep(BETWEEN_PASSES_MS);
      }
    }
    return null;
  }

  async function eraseWithLock(): Promise<CleanupProgress | null> {
    try {
      await markRestorePoint({ process: 'draftRetention', id: cleanupId });
      const done = await erase(HELD);
      return done ? done.ended : await goOn();
    } catch (error) {
      if (isWorn(error) && ++wornTurns === MOST_WORN_TURNS)
        throw new Error('It has failed for hours', { cause: error });
      throw error;
    }
  }

  try {
    const begun = learn(await beginCleanup(cleanupId, isScheduled));
    if (begun?.status !== 'running') return begun;
    if (patched('exclusive-retention')) {
      return await showingLife(cleanupId, () => exclusivelyInTurns('draftRetention', eraseWithLock));
    }
    const done = await erase(ALONE);
    if (done) return done.ended;
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const isCancelled = isCancellation(error);
    const reason: CleanupReason = isCancelled ? 'cancelled' : 'gave_up';
    await CancellationScope.nonCancellable(async () => learn(await finishCleanup(cleanupId, reason)));
    if (isCancelled) throw error;
    return known;
  }
  return goOn();
}

/** However long it waits for the lock, nobody takes its row for abandoned. */
async function showingLife<T>(cleanupId: string, work: () => Promise<T>): Promise<T> {
  const clock = new CancellationScope();
  const signs = clock
    .run(async () => {
      for (;;) {
        await sleep(SHOWS_LIFE_EACH_MS);
        await showCleanupLives(cleanupId);
      }
    })
    .catch(() => {});
  try {
    return await work();
  } finally {
    clock.cancel();
    await signs;
  }
}

/** In Markdown, for the Web UI. */
function describe(cleanupId: string, news: CleanupProgress | null): string {
  if (!news) return 'Another run was at work, or its row is gone: nothing to do.';
  return `**${news.status}**: ${news.drafts} drafts erased, ${news.held} held. Run ${cleanupId}.`;
}
