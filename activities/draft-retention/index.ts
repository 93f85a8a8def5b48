// The steps of the drafts' retention (workflows/draft-retention.ts).
import { Context } from '@temporalio/activity';
import { uuidv7 } from 'uuidv7';
import type { Configuration } from '../../ops/runtime/configuration';
import type { Database } from '../../prisma/client';
import type { CleanupProgress, CleanupReason } from '../../workflows/contracts/draft-retention';
import { beating } from '../beating';
import { SYSTEM } from '../commands/context';
import { removeAged } from './aged-rows';
import { closeCleanup, openCleanup, readProgress } from './cleanups';
import { endPass, eraseBatch } from './old-drafts';

const STRETCH_MS = 5_000;

export interface Stretch extends CleanupProgress {
  /** `some_left`: others had them locked; `stopped`: somebody has closed the run. */
  end: 'time' | 'clean' | 'some_left' | 'stopped';
}

export interface DraftRetentionActivities {
  /** Null: a scheduled run found another at work, or the row is gone. Repeats do no harm. */
  beginCleanup(cleanupId: string, isScheduled: boolean): Promise<CleanupProgress | null>;
  /** It waits for others, and is not abandoned. */
  showCleanupLives(cleanupId: string): Promise<void>;
  /** Works for some seconds, or to the end of a pass. */
  eraseOldDrafts(cleanupId: string): Promise<Stretch>;
  removeAgedRows(): Promise<void>;
  finishCleanup(cleanupId: string, reason: CleanupReason | null): Promise<CleanupProgress | null>;
}

export function createDraftRetentionActivities({
  db,
  settings,
}: {
  db: Database;
  settings: Pick<Configuration, 'DRAFT_RETENTION_DAYS'>;
}): DraftRetentionActivities {
  const days = settings.DRAFT_RETENTION_DAYS;
  const context = () => ({ actor: SYSTEM, requestId: uuidv7() });
  return {
    async beginCleanup(id, isScheduled) {
      const known = await readProgress(db, id);
      if (known || !isScheduled) return known;
      await db.$transaction((tx) => openCleanup(tx as Database, context(), { id, days, requestedBy: null }));
      return readProgress(db, id);
    },

    async showCleanupLives(id) {
      await db.$executeRaw`UPDATE cleanups SET updated_at = clock_timestamp() WHERE id = ${id}::uuid AND status = 'running'`;
    },

    async eraseOldDrafts(cleanupId) {
      const end = await beating(() => eraseStretch(db, cleanupId));
      const progress = await readProgress(db, cleanupId);
      return progress ? { ...progress, end } : { status: 'failed', drafts: 0, held: 0, end: 'stopped' };
    },

    removeAgedRows: () => beating(() => removeAged(db)),

    async finishCleanup(id, reason) {
      await db.$transaction((tx) => closeCleanup(tx as Database, context(), id, reason));
      return readProgress(db, id);
    },
  };
}

async function eraseStretch(db: Database, cleanupId: string): Promise<Stretch['end']> {
  const activity = Context.current();
  const until = Date.now() + STRETCH_MS;
  while (Date.now() < until) {
    const started = performance.now();
    const batch = await eraseBatch(db, cleanupId);
    if (!batch) return 'stopped';
    if (batch.isLast) return endPass(db, cleanupId);
    // It rests as long as it worked: the API comes first.
    await activity.sleep(performance.now() - started);
  }
  return 'time';
}
