// The approval of one draft that needs people, from its submission until its mail is delivered or there is none to deliver.
import {
  condition,
  continueAsNew,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { DraftApprovalActivities } from '../activities/draft-approval';
import { changed, type DraftApprovalInput, type DraftState, isFinal, isNewer, state } from './contracts/draft-approval';
import { DraftStatusAttribute } from './contracts/search-attributes';
import { describeWaiting } from './draft-approval-details';
import { DATABASE_STEP } from './profiles';

const { readDraftState, expireDraft, releaseDraft } = proxyLocalActivities<DraftApprovalActivities>(DATABASE_STEP);

export async function draftApproval({ draftId }: DraftApprovalInput): Promise<DraftState['status'] | 'gone'> {
  let draft: DraftState | null = null;
  let wasTold = false;
  const learn = (news: DraftState | null, told: boolean) => {
    if (!news || (draft && !isNewer(news, draft))) return;
    draft = news;
    wasTold = told;
  };
  setHandler(changed, (news) => learn(news, true));
  setHandler(state, () => draft);

  const row = await readDraftState(draftId);
  if (!row) return 'gone';
  learn(row, false);

  for (;;) {
    const now: DraftState = draft ?? row;
    upsertSearchAttributes([{ key: DraftStatusAttribute, value: now.status }]);
    setCurrentDetails(describeWaiting(now));
    if (isFinal(now)) return now.status;
    if (workflowInfo().continueAsNewSuggested) return continueAsNew<typeof draftApproval>({ draftId });

    const hasNews = () => draft !== now;
    switch (now.status) {
      case 'pending_review':
      case 'changes_requested': {
        const decided = await condition(hasNews, untilDeadline(now));
        if (!decided) learn(await expireDraft(draftId), false);
        break;
      }
      case 'approved':
        // A step may read an approval that came after this run was terminated; a timer fires only in a run that goes on.
        if (!wasTold) await sleep(1);
        learn(await releaseDraft(draftId), false);
        break;
      default:
        await condition(hasNews);
    }
  }
}

/** The database's clock decides whether the deadline has passed; where this one is ahead, it is asked again. */
const untilDeadline = ({ expiresAt }: DraftState) => Math.max(Date.parse(expiresAt ?? '') - Date.now(), 0) || 100;
