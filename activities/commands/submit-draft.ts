// A draft comes in: policy decides whether a person is needed, in the same statement that stores it.
import { createHash, createHmac } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { canonicalJson } from '../../ops/runtime/canonical-json';
import { deriveSecrets } from '../../ops/runtime/secrets';
import type { Database } from '../../prisma/client';
import type { DraftStatus } from '../../workflows/contracts/draft-approval';
import { isUrgent } from '../outbox/outbox';
import { createSubjects, normaliseAddress } from '../personal-data/subject';
import type { CommandContext, CommandDependencies } from './context';
import { type DraftRecord, readSubmitted, toView } from './draft-record';
import type { AttachmentView, DraftView } from './draft-view';
import type { SubmitInput } from './index';
import { decide, type Outcome, type PolicyDecision } from './policy';
import { createPolicyCache, type StoredPolicy } from './policy-cache';
import { Refusal } from './refusal';
import { auditRefusals } from './refusals';
import { type NewDraft, storeDraft } from './store-draft';

const STATUS: Record<Outcome, DraftStatus> = {
  auto_approve: 'scheduled',
  require: 'pending_review',
  reject: 'rejected',
};
export function createSubmitDraft({ db, announce, settings }: CommandDependencies) {
  const policies = createPolicyCache(db);
  const subjects = createSubjects(settings.SECRET_KEY);
  const draw = createSampler(settings.SECRET_KEY);

  return async function submitDraft(context: CommandContext, input: SubmitInput): Promise<DraftView> {
    for (;;) {
      const attachments = await auditRefusals(db, context, { subject: 'draft' }, () =>
        readAttachments(db, context.actor.id, input.attachments ?? []),
      );
      const policy = await policies.current();
      const draft = prepare(context, input, attachments, policy);
      const stored = await storeDraft(db, context, draft, input.idempotencyKey).catch(nullWhereAttachmentWent);
      if (stored) {
        announce({
          told: isUrgent(draft),
          mailDue: stored.dueAt !== null && stored.dueAt <= stored.now,
        });
        // The answer tells the decision; the release, which is part of it, shows in every later look.
        return toView(stored.status === 'scheduled' ? { ...stored, status: 'approved' } : stored);
      }
      const earlier = input.idempotencyKey ? await readSubmitted(db, context.actor.id, input.idempotencyKey) : null;
      if (earlier) {
        const { id: subjectId, revision } = earlier;
        return auditRefusals(db, context, { subject: 'draft', subjectId, revision }, () =>
          replay(earlier, draft.requestHash),
        );
      }
      policies.forget(policy);
    }
  };

  function prepare(
    { actor }: CommandContext,
    input: SubmitInput,
    attachments: AttachmentView[],
    policy: StoredPolicy,
  ): NewDraft {
    const id = uuidv7();
    const confidence = input.confidence ?? null;
    const decision: PolicyDecision = decide(
      { confidence, author: actor.name, sample: draw(actor.id, input) },
      policy.document,
    );
    const needsPeople = decision.outcome === 'require';
    return {
      id,
      version: 1,
      status: STATUS[decision.outcome],
      revision: 1,
      authorId: actor.id,
      author: actor.name,
      to: input.to,
      recipientHashes: subjects.hashesOf(input.to),
      replyTo: input.replyTo ?? null,
      campaign: input.campaign ?? null,
      confidence,
      metadata: input.metadata ?? null,
      decision: { ...decision, policyVersion: policy.version },
      policyGeneration: policy.generation,
      decidedWithinHours: needsPeople ? (decision.deadlineHours ?? settings.APPROVAL_DEADLINE_HOURS) : null,
      sentAfterSeconds: decision.outcome === 'auto_approve' ? settings.UNDO_WINDOW_SECONDS : null,
      sentAt: null,
      messageId: null,
      outcome: null,
      failureCode: null,
      needsPeople,
      attempts: 0,
      requestHash: hashRequest(input),
      subject: input.subject,
      body: input.body,
      html: input.html ?? null,
      sendAt: input.sendAt === undefined ? null : new Date(input.sendAt),
      editors: [actor.id],
      attachments,
      verdicts: [],
    };
  }
}

/** The sweep of unused attachments was there first: the next look finds which one is gone. */
function nullWhereAttachmentWent(error: unknown): null {
  const { driverAdapterError } =
    (error as { meta?: { driverAdapterError?: { cause?: { originalCode?: string } } } }).meta ?? {};
  if (driverAdapterError?.cause?.originalCode === '23503') return null;
  throw error;
}

async function readAttachments(db: Database, uploaderId: string, ids: string[]): Promise<AttachmentView[]> {
  if (ids.length === 0) return [];
  const found = await db.attachment.findMany({
    where: { id: { in: ids }, uploaderId },
    select: { id: true, name: true, type: true, size: true, sha256: true },
  });
  const byId = new Map(found.map((one) => [one.id, one]));
  const errors = ids.flatMap((id, i) =>
    byId.has(id)
      ? []
      : [
          {
            path: `attachments.${i}`,
            message: 'is no attachment of yours: upload it first (unused ones go after a day)',
          },
        ],
  );
  if (errors.length > 0) throw new Refusal('invalid', 'An attachment is unknown.', errors);
  return ids.flatMap((id) => byId.get(id) ?? []);
}

function replay(earlier: DraftRecord, requestHash: Uint8Array): DraftView {
  if (earlier.status === 'erased') throw new Refusal('erased', 'The draft of this idempotency key has been erased.');
  if (!earlier.requestHash || !Buffer.from(earlier.requestHash).equals(requestHash)) {
    throw new Refusal(
      'idempotency_mismatch',
      'This idempotency key belongs to another draft; use a new key for a new draft.',
    );
  }
  return toView(earlier);
}

function hashRequest({ idempotencyKey: _, ...input }: SubmitInput): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHash('sha256').update(canonicalJson(input)).digest());
}

/**
 * Returns a function that draws a number in [0, 1) for a draft. The same mail of the same author draws the same, so that
 * withdrawing and submitting it again evades no sample; the key keeps authors from computing it.
 */
function createSampler(secretKeys: readonly Buffer[]) {
  const [key] = deriveSecrets(secretKeys, 'sample') as [Buffer];
  return (authorId: string, { to, subject, body, html = '' }: SubmitInput): number => {
    const words = [subject, body, html].map((text) => text.replace(/\s+/g, ' ').trim());
    const seen = JSON.stringify([authorId, normaliseAddress(to), ...words]);
    return createHmac('sha256', key).update(seen).digest().readUIntBE(0, 6) / 2 ** 48;
  };
}
