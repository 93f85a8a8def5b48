// The approval of one draft that needs people, from its submission until its mail is delivered or there is none to deliver.
import {
  condition,
  continueAsNew,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { DraftApprovalActivities } from '../activities/draft-approval';
import { changed, type DraftApprovalInput, type DraftState, isFinal, isNewer, state } from './contracts/draft-approval';
import { DraftStatusAttribute } from './contracts/search-attributes';
import { describeWaiting } from './draft-approval-details';
import { ASKS_AGAIN_MS, DATABASE_STEP, LOOKS_AGAIN_MS, TOLD_WITHIN_MS } from './profiles';

const { readDraftState, expireDraft, releaseDraft } = proxyLocalActivities<DraftApprovalActivities>(DATABASE_STEP);

export async function draftApproval({ draftId }: DraftApprovalInput): Promise<DraftState['status'] | 'gone'> {
  /** `told`: by a message; else a step has read it. */
  const known = { draft: null as DraftState | null, told: false, gone: false };
  const learn = (news: DraftState, told: boolean) => {
    const { draft } = known;
    const isNews = !draft || isNewer(news, draft) || (told && !known.told && !isNewer(draft, news));
    if (isNews) Object.assign(known, { draft: news, told });
  };
  const take = async (step: Promise<DraftState | null>) => {
    const news = await step;
    if (news) learn(news, false);
    else known.gone = true;
  };
  setHandler(changed, (news) => learn(news, true));
  setHandler(state, () => known.draft);

  // Whatever the message says, the row is asked first: a late one may have started a process that had ended.
  await take(known.draft?.status === 'approved' ? releaseDraft(draftId) : readDraftState(draftId));
  while (known.draft && !known.gone) {
    const draft = known.draft;
    const hasNews = () => known.draft !== draft;
    show(draft);
    if (isFinal(draft)) return draft.status;
    if (workflowInfo().continueAsNewSuggested) return continueAsNew<typeof draftApproval>({ draftId });

    switch (draft.status) {
      case 'pending_review':
      case 'changes_requested':
        if (!(await condition(hasNews, untilDeadline(draft)))) await take(expireDraft(draftId));
        break;
      case 'approved':
        // A step may have read an approval that came after this run was terminated; a message or a timer only reaches
        // one that goes on.
        if (known.told || !(await condition(hasNews, TOLD_WITHIN_MS))) await take(releaseDraft(draftId));
        // The row is older than the message was: it will be told again.
        if (!hasNews()) await condition(() => hasNews() || known.gone, LOOKS_AGAIN_MS);
        break;
      default:
        await condition(hasNews);
    }
  }
  return 'gone';
}

/** `approved` passes at once, and every change of the attribute is a write more. */
function show(draft: DraftState): void {
  setCurrentDetails(describeWaiting(draft));
  const shown = workflowInfo().typedSearchAttributes.get(DraftStatusAttribute);
  if (draft.status === shown || draft.status === 'approved') return;
  upsertSearchAttributes([{ key: DraftStatusAttribute, value: draft.status }]);
}

/** The database's clock decides whether the deadline has passed; where this one is ahead, it is asked again. */
const untilDeadline = ({ expiresAt }: DraftState) =>
  Math.max(Date.parse(expiresAt ?? '') - Date.now(), 0) || ASKS_AGAIN_MS;
