// Drafts of any age and state, as time and the lane would leave them, with everything that can hang on a draft.
import { createHash } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { uuidv7 } from 'uuidv7';
import { createDraftRetentionActivities, type Stretch } from '../../activities/draft-retention';
import type { Database } from '../../prisma/client';
import type { CleanupProgress } from '../../workflows/contracts/draft-retention';

export const AUTHOR = '0197a000-0000-7000-8000-0000000000aa';
export const APPROVER = '0197a000-0000-7000-8000-0000000000bb';
const DAY_MS = 86_400_000;
export const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);
export const hashOf = (address: string) => Uint8Array.from(createHash('sha256').update(address).digest());

export interface Planted {
  createdAt?: Date;
  status?: string;
  outcome?: string | null;
  to?: string;
  campaign?: string | null;
  verdict?: 'approve' | 'reject' | 'request_changes';
  decidedAfterMs?: number;
  attachmentId?: string;
}

export async function plantPeople(db: Database): Promise<void> {
  await db.principal.createMany({
    data: [
      { id: AUTHOR, name: 'an old agent' },
      { id: APPROVER, name: 'an old approver' },
    ],
    skipDuplicates: true,
  });
}

/** @returns its id; a sent draft of 100 days ago where nothing else is said */
export async function plantDraft(db: Database, given: Planted = {}): Promise<string> {
  const { createdAt = daysAgo(100), status = 'sent', to = 'reader@example.org', verdict = 'approve' } = given;
  const { outcome = status === 'sent' ? 'delivered' : null, campaign = null, attachmentId } = given;
  const id = uuidv7();
  const at = new Date(createdAt.getTime() + (given.decidedAfterMs ?? 60_000));
  await db.draft.create({
    data: {
      id,
      status,
      outcome,
      campaign,
      authorId: AUTHOR,
      to,
      recipientHashes: [hashOf(to)],
      replyTo: 'answers@example.org',
      metadata: { about: to },
      decision: { outcome: 'require', policyVersion: 1, reasons: [], required: 1 },
      idempotencyKey: id,
      requestHash: hashOf(id),
      createdAt,
      updatedAt: at,
      sentAt: status === 'sent' ? at : null,
      messageId: `<${id}@example.org>`,
      needsPeople: true,
      revisions: {
        create: {
          revision: 1,
          subject: 'The minutes',
          body: 'As said.',
          editorId: AUTHOR,
          contentHash: hashOf(id),
          createdAt,
        },
      },
      verdicts: { create: { id: uuidv7(), revision: 1, principalId: APPROVER, verdict, comment: 'well said', at } },
      notes: { create: { id: uuidv7(), text: 'a remark' } },
      ...(attachmentId ? { attachments: { create: { attachmentId, position: 0 } } } : {}),
    },
  });
  return id;
}

/** Everything that the database holds of it. */
export async function everythingOf(db: Database, id: string) {
  return db.draft.findUniqueOrThrow({
    where: { id },
    include: { revisions: true, verdicts: true, notes: true, attachments: true },
  });
}

const stepsOf = (db: Database) => createDraftRetentionActivities({ db, settings: { DRAFT_RETENTION_DAYS: 90 } });

/** One stretch of a run. */
export function eraseStretch(db: Database, cleanupId: string): Promise<Stretch> {
  const { eraseOldDrafts } = stepsOf(db);
  return new MockActivityEnvironment().run<[string], Stretch, typeof eraseOldDrafts>(eraseOldDrafts, cleanupId);
}

/** The run's steps as its workflow takes them, without waiting for what is locked. */
export async function carryOut(db: Database, cleanupId: string): Promise<CleanupProgress | null> {
  for (;;) {
    const { end } = await eraseStretch(db, cleanupId);
    if (end !== 'time') return stepsOf(db).finishCleanup(cleanupId, end === 'some_left' ? 'locked' : null);
  }
}
