// The database steps of a draft's approval.
import type { Database } from '../prisma/client';
import { readDraftState } from './commands/draft-record';
import type { Commands } from './commands/index';

export function createDraftApprovalActivities({
  db,
  commands,
}: {
  db: Database;
  commands: Pick<Commands, 'expireDraft' | 'releaseDraft'>;
}) {
  return {
    readDraftState: (draftId: string) => readDraftState(db, draftId),
    expireDraft: (draftId: string) => commands.expireDraft(draftId),
    releaseDraft: (draftId: string) => commands.releaseDraft(draftId),
  };
}

export type DraftApprovalActivities = ReturnType<typeof createDraftApprovalActivities>;
