// The approval of one draft that needs people, from its submission until its mail is delivered or there is none to deliver.
import {
  condition,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { DraftApprovalActivities } from '../activities/draft-approval';
import { changed, type DraftApprovalInput, type DraftState, isFinal, isNewer, state } from './contracts/draft-approval';
import { DraftStatusAttribute } from './contracts/search-attributes';
import { describeWaiting } from './draft-approval-details';
import { DATABASE_STEP } from './profiles';

const { readDraftState, expireDraft, releaseDraft } = proxyLocalActivities<DraftApprovalActivities>(DATABASE_STEP);

export async function draftApproval({ draftId }: DraftApprovalInput): Promise<DraftState['status'] | 'gone'> {
  let draft: DraftState | null = null;
  const learn = (news: DraftState | null) => {
    if (news && (!draft || isNewer(news, draft))) draft = news;
  };
  setHandler(changed, learn);
  setHandler(state, () => draft);

  const row = await readDraftState(draftId);
  if (!row) return 'gone';
  learn(row);

  for (;;) {
    const now: DraftState = draft ?? row;
    upsertSearchAttributes([{ key: DraftStatusAttribute, value: now.status }]);
    setCurrentDetails(describeWaiting(now));
    if (isFinal(now)) return now.status;

    const hasNews = () => draft !== now;
    switch (now.status) {
      case 'pending_review':
      case 'changes_requested': {
        const decided = await condition(hasNews, untilDeadline(now));
        if (!decided) learn(await expireDraft(draftId));
        break;
      }
      case 'approved':
        learn(await releaseDraft(draftId));
        break;
      default:
        await condition(hasNews);
    }
  }
}

/** The database's clock decides whether the deadline has passed; where this one is ahead, it is asked again. */
const untilDeadline = ({ expiresAt }: DraftState) => Math.max(Date.parse(expiresAt ?? '') - Date.now(), 0) || 100;
