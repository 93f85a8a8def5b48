// What the Web UI tells an operator of a draft: ids, codes and times, in Markdown.
import { assertNever } from './assert-never';
import { type DraftState, isParked } from './contracts/draft-approval';

export function describeWaiting(draft: DraftState): string {
  return `**${draft.status}**, revision ${draft.revision}\n\n${waitsFor(draft)}`;
}

function waitsFor(draft: DraftState): string {
  if (isParked(draft)) return 'Waits for a person to say whether the mail arrived: `POST /api/drafts/:id/resolve`.';
  switch (draft.status) {
    case 'pending_review':
      return `Waits for an approver until ${draft.expiresAt}.`;
    case 'changes_requested':
      return `Waits for its author to revise it until ${draft.expiresAt}.`;
    case 'approved':
      return 'Is being released.';
    case 'scheduled':
    case 'sending':
      return `Waits for the mail lane (workflow \`lane-email\`), due ${draft.dueAt}.`;
    case 'rejected':
    case 'expired':
    case 'withdrawn':
    case 'sent':
    case 'failed':
    case 'blocked':
    case 'erased':
      return 'Waits for nothing.';
    default:
      return assertNever(draft.status);
  }
}
