// Somebody else's open draft that mentions the person: a new revision without the mention, which dismisses approvals.
import { Prisma } from '../../../../prisma/client';
import type { DraftStatus } from '../../../../workflows/contracts/draft-approval';
import { byPeople, HOUR_MS } from '../../../commands/change-draft';
import { hashContent } from '../../../commands/draft-content';
import { type DraftRecord, readDraft } from '../../../commands/draft-record';
import { type Rule, transition } from '../../../commands/draft-transition';
import { IS_HELD } from '../../../personal-data/erase-drafts';
import type { TextValue } from '../../../personal-data/text-values';
import type { MentioningAttachment } from '../mentioning-attachments';
import type { Person } from '../store';
import { changeUnlessHeld } from './held-person';
import { findMentionRows, type MentionSources } from './mentions';
import { systemContext } from './own-drafts';
import { TEXT_TABLES } from './text-tables';

/** Somebody may revise a draft while it is searched. */
const ATTEMPTS = 20;
const OPEN: readonly DraftStatus[] = ['pending_review', 'changes_requested', 'approved', 'scheduled'];
const isOpen = ({ status }: DraftRecord) => OPEN.includes(status);

/** A draft whose conversation is open keeps its words until that has ended. */
export class SendInFlight extends Error {
  override name = 'SendInFlight';
  readonly code = 'send_in_flight';
}

export async function reviseOpenMentions(
  sources: MentionSources,
  person: Person,
  mentioning: readonly MentioningAttachment[],
  deadlineHours: number,
  beat: () => void,
): Promise<void> {
  const { db } = sources;
  const withAttachments = byDraft(mentioning);
  for (const id of await findMentioningDrafts(sources, person, withAttachments, beat)) {
    const files = withAttachments.get(id) ?? [];
    for (let attempt = 1; ; attempt++) {
      const rule = withoutMentions(await readCleaned(sources, person, id), files, deadlineHours);
      try {
        await changeUnlessHeld(db, person, id, async (tx) => {
          const draft = await transition({ db: tx, announce: () => {} }, systemContext(person.requestId), id, rule);
          // What was approved has gone with the revision; the files themselves are the attachments store's.
          if (isOpen(draft))
            await tx.draftAttachment.deleteMany({ where: { draftId: id, attachmentId: { in: files } } });
        });
        break;
      } catch (error) {
        if (!(error instanceof ChangedMeanwhile) || attempt === ATTEMPTS) throw error;
      }
    }
  }
}

/** For each draft that may change: which of its files mention the person. */
function byDraft(mentioning: readonly MentioningAttachment[]): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const { id, drafts } of mentioning) {
    for (const draft of drafts.filter(({ isHeld }) => !isHeld))
      files.set(draft.id, [...(files.get(draft.id) ?? []), id]);
  }
  return files;
}

async function findMentioningDrafts(
  sources: MentionSources,
  person: Person,
  withAttachments: ReadonlyMap<string, readonly string[]>,
  beat: () => void,
): Promise<Set<string>> {
  const { db } = sources;
  const ids = new Set(withAttachments.keys());
  const search = { freeOnly: true, beat, drafts: Prisma.sql`d.status = ANY (${[...OPEN, 'sending']})` };
  for (const table of TEXT_TABLES.filter(({ table }) => ['revisions', 'drafts'].includes(table))) {
    for await (const { rowId } of findMentionRows(sources, person, table, search)) ids.add(rowId);
  }
  const named = TEXT_TABLES.find(({ table }) => table === 'attachments');
  for await (const { rowId } of named ? findMentionRows(sources, person, named, search) : []) {
    const rows = await db.draftAttachment.findMany({
      where: { attachmentId: rowId },
      select: { draftId: true },
    });
    for (const { draftId } of rows) ids.add(draftId);
  }
  const open = await db.$queryRaw<{ id: string; status: DraftStatus }[]>`
    SELECT d.id, d.status FROM drafts d WHERE d.id = ANY (${[...ids]}::uuid[]) AND NOT ${IS_HELD}
      AND d.status = ANY (${[...OPEN, 'sending']})`;
  if (open.some(({ status }) => status === 'sending')) throw new SendInFlight();
  return new Set(open.map(({ id }) => id));
}

/** Reads every text that the draft has now without the person; the rule itself must not search. */
async function readCleaned({ db, matcher }: MentionSources, { email }: Person, id: string): Promise<Cleaned> {
  const draft = await readDraft(db, id);
  const texts = draft ? [draft.subject, draft.body, draft.html, ...draft.attachments.map(({ name }) => name)] : [];
  const words = texts.flatMap((value) => (value ? [value] : []));
  const values = words.map((value): TextValue => ({ kind: 'text', value }));
  const without = await matcher.without(
    [...values, ...(draft?.replyTo ? [{ kind: 'address' as const, value: draft.replyTo }] : [])],
    email,
  );
  const left = new Map(words.map((value, n) => [value, without[n] ?? value]));
  return {
    words(text) {
      const known = left.get(text);
      if (known === undefined && text !== '') throw new ChangedMeanwhile();
      return known ?? text;
    },
    replyTo: draft?.replyTo && without[words.length] === undefined ? draft.replyTo : null,
  };
}

interface Cleaned {
  /** @throws ChangedMeanwhile where the draft has got another text since */
  words(text: string): string;
  replyTo: string | null;
}

class ChangedMeanwhile extends Error {
  override name = 'ChangedMeanwhile';
  readonly code = 'changed_meanwhile';
}

function withoutMentions({ words: clean, replyTo }: Cleaned, files: readonly string[], deadlineHours: number): Rule {
  return (draft) => {
    if (draft.status === 'sending') throw new SendInFlight();
    if (!isOpen(draft) || draft.subject === null || draft.body === null) return null;
    const content = {
      to: draft.to,
      replyTo,
      subject: clean(draft.subject),
      body: clean(draft.body),
      html: draft.html && clean(draft.html),
      attachments: draft.attachments
        .filter(({ id }) => !files.includes(id))
        .map((file) => ({ ...file, name: clean(file.name) })),
    };
    if (JSON.stringify(content) === JSON.stringify(contentOf(draft))) return null;
    const { subject, body, html } = content;
    return {
      status: draft.status === 'changes_requested' ? 'changes_requested' : 'pending_review',
      event: 'draft.revised',
      data: { reason: 'erasure' },
      revision: { subject, body, html, sendAt: draft.sendAt, contentHash: hashContent(content) },
      ...(replyTo === draft.replyTo ? {} : { replyTo: null }),
      decision: byPeople(draft.decision),
      expiresAt: new Date(draft.now.getTime() + (draft.decision.deadlineHours ?? deadlineHours) * HOUR_MS),
      dueAt: null,
    };
  };
}

const contentOf = ({ to, replyTo, subject, body, html, attachments }: DraftRecord) => ({
  to,
  replyTo,
  subject,
  body,
  html,
  attachments,
});
