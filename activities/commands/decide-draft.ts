// Approve, reject, ask for changes: pure rules on the draft as it stands.
import type { DraftStatus } from '../../workflows/contracts/draft-approval';
import type { Actor } from './context';
import type { DraftRecord, VerdictRecord } from './draft-record';
import type { Change, Rule } from './draft-transition';
import { Refusal } from './refusal';

type Word = VerdictRecord['verdict'];

interface DecisionInput {
  revision?: number | undefined;
  comment: string | null;
}

export const approve =
  (actor: Actor, input: DecisionInput): Rule =>
  (draft) => {
    if (draft.editors.includes(actor.id)) {
      throw new Refusal('four_eyes', 'Who wrote or edited a draft cannot approve it: somebody else has to.');
    }
    if (isRepeated(draft, actor, 'approve', input)) return null;
    assertDecidable(draft, input);
    const given = draft.verdicts.filter(({ verdict, dismissed }) => verdict === 'approve' && !dismissed).length;
    return decided(
      draft,
      'approve',
      input,
      given + 1 >= draft.decision.required ? 'approved' : 'pending_review',
      'draft.approved',
    );
  };

const FOLLOWS: readonly DraftStatus[] = ['scheduled', 'sending', 'sent'];

/** As the approval left it. What follows by itself, perhaps within milliseconds, shows in every later look; the answer to
 *  the approval, which may be repeated meanwhile, stays the same. */
export function asApproved(draft: DraftRecord): DraftRecord {
  const last = draft.verdicts.findLast(({ verdict, dismissed }) => verdict === 'approve' && !dismissed);
  if (!last || !FOLLOWS.includes(draft.status)) return draft;
  const before = { dueAt: null, sentAt: null, messageId: null, outcome: null, failureCode: null };
  return { ...draft, ...before, status: 'approved', updatedAt: new Date(last.at) };
}

export const reject =
  (actor: Actor, input: DecisionInput): Rule =>
  (draft) => {
    if (isRepeated(draft, actor, 'reject', input)) return null;
    assertDecidable(draft, input);
    return decided(draft, 'reject', input, 'rejected', 'draft.rejected');
  };

export const requestChanges =
  (actor: Actor, input: DecisionInput): Rule =>
  (draft) => {
    if (isRepeated(draft, actor, 'request_changes', input)) return null;
    assertDecidable(draft, input);
    return decided(draft, 'request_changes', input, 'changes_requested', 'draft.changes_requested');
  };

const decided = (
  draft: DraftRecord,
  verdict: Word,
  input: DecisionInput,
  status: Change['status'],
  event: string,
): Change => ({
  status,
  event,
  verdict: { verdict, comment: input.comment },
  before: draft.expiresAt,
});

/** The same word of the same person on the same revision is answered again, whatever came of it since. */
function isRepeated(
  draft: DraftRecord,
  actor: Actor,
  word: Word,
  { revision = draft.revision }: DecisionInput,
): boolean {
  return (
    revision === draft.revision &&
    draft.verdicts.some(
      (one) => one.principalId === actor.id && one.revision === revision && one.verdict === word && !one.dismissed,
    )
  );
}

function assertDecidable(draft: DraftRecord, { revision = draft.revision }: DecisionInput): void {
  if (revision !== draft.revision) {
    throw new Refusal('stale_revision', `The draft is at revision ${draft.revision}; look at it before you decide.`);
  }
  if (draft.status === 'expired') throw new Refusal('deadline_passed', 'The deadline of this decision has passed.');
  if (draft.status !== 'pending_review') {
    throw new Refusal('already_decided', `This revision needs no decision any more: the draft is ${draft.status}.`);
  }
  assertInTime(draft);
}

export function assertInTime(draft: DraftRecord): void {
  if (draft.expiresAt && draft.now >= draft.expiresAt) {
    throw new Refusal('deadline_passed', 'The deadline of this decision has passed.');
  }
}
