// The database steps of a draft's approval.
import type { Database } from '../prisma/client';
import type { DraftState } from '../workflows/contracts/draft-approval';
import { readDraftState } from './commands/draft-record';
import type { Commands } from './commands/index';
import { createDeliveryWatch } from './delivery-watch';

export function createDraftApprovalActivities({
  db,
  commands,
}: {
  db: Database;
  commands: Pick<Commands, 'expireDraft' | 'releaseDraft'>;
}) {
  const watch = createDeliveryWatch(db);

  /** A mail that is due mostly leaves at once: to wait for it here saves the process a second workflow task. */
  async function releaseDraft(draftId: string): Promise<DraftState | null> {
    const released = await commands.releaseDraft(draftId);
    return released && watch(draftId, released);
  }

  return {
    readDraftState: (draftId: string) => readDraftState(db, draftId),
    expireDraft: (draftId: string) => commands.expireDraft(draftId),
    releaseDraft,
  };
}

export type DraftApprovalActivities = ReturnType<typeof createDraftApprovalActivities>;
