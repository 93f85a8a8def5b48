// Revise, withdraw, resolve: pure rules on the draft as it stands.
import type { DraftStatus } from '../../workflows/contracts/draft-approval';
import { isParked } from '../../workflows/contracts/draft-approval';
import type { Actor } from './context';
import { assertInTime } from './decide-draft';
import { hashContent } from './draft-content';
import type { DraftRecord } from './draft-record';
import type { Rule } from './draft-transition';
import { REWOUND, UNCONFIRMED } from './failure-codes';
import { Refusal } from './refusal';

export const HOUR_MS = 3_600_000;
const UNDECIDED: readonly DraftStatus[] = ['pending_review', 'changes_requested'];
const BEFORE_THE_SEND: readonly DraftStatus[] = [...UNDECIDED, 'approved', 'scheduled'];
const BEGUN: readonly DraftStatus[] = ['sending', 'sent', 'failed', 'blocked'];

export interface RevisionInput {
  revision: number;
  subject?: string | undefined;
  body?: string | undefined;
  html?: string | null | undefined;
  sendAt?: string | null | undefined;
}

export const unlessErased =
  (rule: Rule): Rule =>
  (draft) => {
    if (draft.status === 'erased') throw new Refusal('erased', 'This draft has been erased.');
    return rule(draft);
  };

/** Somebody else's draft does not exist for who may only write. */
export const own =
  (actor: Actor, rule: Rule): Rule =>
  (draft) => {
    if (draft.authorId !== actor.id && !actor.roles.includes('approver'))
      throw new Refusal('not_found', 'There is no such draft.');
    return rule(draft);
  };

export const revise =
  (input: RevisionInput, deadlineHours: number): Rule =>
  (draft) => {
    if (input.revision !== draft.revision) {
      throw new Refusal(
        'stale_revision',
        `The draft is at revision ${draft.revision}; read it again before you change it.`,
      );
    }
    if (!BEFORE_THE_SEND.includes(draft.status))
      throw new Refusal('wrong_state', `A draft that is ${draft.status} cannot be changed.`);
    const undecided = UNDECIDED.includes(draft.status);
    if (undecided) assertInTime(draft);
    const { to, replyTo, attachments } = draft;
    const subject = input.subject ?? draft.subject ?? '';
    const body = input.body ?? draft.body ?? '';
    const html = input.html === undefined ? draft.html : input.html;
    const sendAt = input.sendAt === undefined ? draft.sendAt : input.sendAt && new Date(input.sendAt);
    return {
      status: 'pending_review',
      event: 'draft.revised',
      revision: {
        subject,
        body,
        html,
        sendAt: sendAt || null,
        contentHash: hashContent({ to, replyTo, subject, body, html, attachments }),
      },
      decision: byPeople(draft.decision),
      expiresAt: newDeadline(draft, deadlineHours),
      dueAt: null,
      before: undecided ? draft.expiresAt : null,
    };
  };

/** Policy has seen the words of the first revision alone: whatever it decided, a person decides about others. */
export const byPeople = (decision: DraftRecord['decision']): DraftRecord['decision'] =>
  decision.outcome === 'require'
    ? decision
    : {
        ...decision,
        outcome: 'require',
        required: 1,
        reasons: [...decision.reasons, 'changed since: a person decides'],
      };

export const withdraw =
  (reason: string | undefined): Rule =>
  (draft) => {
    if (draft.status === 'withdrawn') return null;
    if (BEGUN.includes(draft.status))
      throw new Refusal('send_begun', `It is too late to withdraw: the draft is ${draft.status}.`);
    if (!BEFORE_THE_SEND.includes(draft.status))
      throw new Refusal('wrong_state', `A draft that is ${draft.status} cannot be withdrawn.`);
    return { status: 'withdrawn', event: 'draft.withdrawn', note: reason, dueAt: null };
  };

/** A parked draft may have arrived or not: a person says which. What a restore has parked may never have been approved as
 *  it stands now: then it waits for its decision again. */
export const resolve =
  (as: 'sent' | 'not_sent', reason: string, deadlineHours: number): Rule =>
  (draft) => {
    if (!isParked(draft)) throw new Refusal('not_parked', 'Only a draft whose outcome is unknown can be resolved.');
    const resolved = { event: 'draft.resolved', data: { as }, note: reason };
    if (as === 'sent') return { ...resolved, status: 'sent', outcome: 'delivered', sentAt: draft.now };
    if (![REWOUND, UNCONFIRMED].includes(draft.failureCode ?? '') || isApproved(draft)) {
      return { ...resolved, status: 'scheduled', outcome: null, dueAt: draft.now };
    }
    return {
      ...resolved,
      status: 'pending_review',
      outcome: null,
      dueAt: null,
      expiresAt: newDeadline(draft, deadlineHours),
    };
  };

function isApproved({ decision, verdicts, revision }: DraftRecord): boolean {
  const given = verdicts.filter(
    (one) => one.verdict === 'approve' && one.revision === revision && !one.dismissed,
  ).length;
  return decision.outcome === 'auto_approve' || given >= decision.required;
}

const newDeadline = ({ now, decision }: DraftRecord, deadlineHours: number) =>
  new Date(now.getTime() + (decision.deadlineHours ?? deadlineHours) * HOUR_MS);
