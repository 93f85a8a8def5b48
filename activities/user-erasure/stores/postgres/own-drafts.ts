// The drafts written to a person: counted, read for their export, closed, waited for, erased.
import { FIRST_UUID } from '../../../../ops/runtime/uuids';
import type { Database, Prisma } from '../../../../prisma/client';
import { HUBSPOT_LANE } from '../../../../workflows/contracts/lane';
import { listDraftEvents } from '../../../commands/audit';
import { type CommandContext, SYSTEM } from '../../../commands/context';
import { readDraftOutline } from '../../../commands/draft-record';
import { type Rule, transition } from '../../../commands/draft-transition';
import { isWrittenTo } from '../../../mention-index/lookup';
import { eraseDrafts, IS_HELD, shutOutNewHolds } from '../../../personal-data/erase-drafts';
import type { Person } from '../store';
import { changeUnlessHeld } from './held-person';
import { readRevisions } from './revisions';

/** Of `drafts d`: was written to this person. */
const isTo = ({ hashes }: Person) => isWrittenTo(hashes);

const BATCH = 200;

export const systemContext = (requestId: string): CommandContext => ({ actor: SYSTEM, requestId });

export async function countOwnDrafts(db: Database, person: Person): Promise<{ free: number; held: number }> {
  const [counts] = await db.$queryRaw<{ free: number; held: number }[]>`
    SELECT count(*) FILTER (WHERE NOT held)::int AS free, count(*) FILTER (WHERE held)::int AS held
    FROM (SELECT ${IS_HELD} AS held FROM drafts d WHERE ${isTo(person)}) d`;
  return counts ?? { free: 0, held: 0 };
}

/** Each with all its revisions, so that no text is in it twice; a revision may be large, and there may be many. */
export async function* readOwnDrafts(db: Database, person: Person): AsyncIterable<unknown> {
  for await (const id of idsOf(db, isTo(person))) {
    const draft = await readDraftOutline(db, id);
    if (!draft) continue;
    yield { kind: 'draft', draft, revisions: readRevisions(db, id), events: readEvents(db, id) };
  }
}

async function* readEvents(db: Database, draftId: string): AsyncIterable<unknown> {
  for (let after = 0n; ; ) {
    const page = await listDraftEvents(db, draftId, { after, limit: BATCH });
    for (const { position, ...event } of page) {
      yield event;
      after = position;
    }
    if (page.length < BATCH) return;
  }
}

/** Of `drafts d`, in pages: a person may have any number. */
export async function* idsOf(db: Database, which: Prisma.Sql): AsyncIterable<string> {
  for (let after = FIRST_UUID; ; ) {
    const page = await db.$queryRaw<{ id: string }[]>`
      SELECT d.id FROM drafts d WHERE d.id > ${after}::uuid AND ${which} ORDER BY d.id LIMIT ${BATCH}`;
    for (const { id } of page) yield id;
    const last = page.at(-1);
    if (!last || page.length < BATCH) return;
    after = last.id;
  }
}

/** Nobody is asked about them any more. */
export async function closeOwnDrafts(db: Database, person: Person): Promise<number> {
  const open = await db.$queryRaw<{ id: string }[]>`
    SELECT d.id FROM drafts d WHERE ${isTo(person)} AND NOT ${IS_HELD}
      AND d.status IN ('pending_review', 'changes_requested', 'approved', 'scheduled')`;
  let closed = 0;
  for (const { id } of open) {
    const rule: Rule = ({ status }) => {
      if (!['pending_review', 'changes_requested', 'approved', 'scheduled'].includes(status)) return null;
      return { status: 'withdrawn', event: 'draft.closed', data: { reason: 'erasure' }, dueAt: null };
    };
    const draft = await changeUnlessHeld(db, person, id, (tx) =>
      transition({ db: tx, announce: () => {} }, systemContext(person.requestId), id, rule),
    );
    if (draft?.status === 'withdrawn') closed += 1;
  }
  return closed;
}

/** Counts the conversations about the person that were open when the erasure was asked for: with mail servers, and with HubSpot
 *  unless it is no longer configured. They may still end. */
export async function countOpenSends(db: Database, person: Person): Promise<number> {
  const [open] = await db.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS count FROM drafts d WHERE ${isTo(person)} AND (d.status = 'sending' OR EXISTS (
      SELECT 1 FROM crm_syncs s JOIN lanes l ON l.name = ${HUBSPOT_LANE} AND l.enabled WHERE s.draft_id = d.id AND s.status = 'syncing'))`;
  return open?.count ?? 0;
}

/** SHA-256, in hex, of what the person's drafts say and of their files: what the scan looks for. */
export async function fingerprintOwnDrafts(db: Database, person: Person): Promise<string[]> {
  const rows = await db.$queryRaw<{ hash: Uint8Array; request: Uint8Array | null }[]>`
    SELECT r.content_hash AS hash, d.request_hash AS request
    FROM drafts d JOIN revisions r ON r.draft_id = d.id WHERE ${isTo(person)} AND NOT ${IS_HELD}`;
  const files = await db.$queryRaw<{ sha256: string }[]>`
    SELECT DISTINCT a.sha256 FROM drafts d JOIN draft_attachments da ON da.draft_id = d.id JOIN attachments a ON a.id = da.attachment_id
    WHERE ${isTo(person)} AND NOT ${IS_HELD} AND NOT EXISTS (
      SELECT 1 FROM attachments b LEFT JOIN draft_attachments o ON o.attachment_id = b.id LEFT JOIN drafts x ON x.id = o.draft_id
      WHERE b.sha256 = a.sha256 AND (x.id IS NULL OR NOT x.recipient_hashes && ${person.hashes}))`;
  const hex = (bytes: Uint8Array | null) => (bytes === null ? [] : [Buffer.from(bytes).toString('hex')]);
  return [
    ...new Set([
      ...rows.flatMap(({ hash, request }) => [...hex(hash), ...hex(request)]),
      ...files.map(({ sha256 }) => sha256),
    ]),
  ];
}

/** Those that are nobody else's file by now: the same bytes may have been uploaded, or put into another draft, since the
 *  erasure began. */
export async function withoutOthersFiles(
  db: Database,
  fingerprints: string[],
  begunAt: Date | null,
): Promise<string[]> {
  const others = await db.$queryRaw<{ sha256: string }[]>`
    SELECT DISTINCT a.sha256 FROM attachments a WHERE a.sha256 = ANY (${fingerprints}) AND (
      a.created_at >= ${begunAt}::timestamptz OR EXISTS (SELECT 1 FROM draft_attachments n WHERE n.attachment_id = a.id))`;
  const theirs = new Set(others.map(({ sha256 }) => sha256));
  return fingerprints.filter((one) => !theirs.has(one));
}

/** In short transactions; each first shuts out that a hold is placed meanwhile. */
export async function eraseOwnDrafts(db: Database, person: Person, beat: () => void): Promise<number> {
  const context = systemContext(person.requestId);
  let erased = 0;
  for (let after = FIRST_UUID; ; ) {
    const ids = await db.$transaction(async (transaction) => {
      const tx = transaction as Database;
      await shutOutNewHolds(tx);
      const rows = await tx.$queryRaw<{ id: string }[]>`
        SELECT d.id FROM drafts d WHERE d.id > ${after}::uuid AND ${isTo(person)} AND NOT ${IS_HELD} AND d.status <> 'sending'
        ORDER BY d.id LIMIT ${BATCH} FOR UPDATE`;
      const found = rows.map(({ id }) => id);
      if (found.length > 0) await eraseDrafts(tx, found, 'erasure', context);
      return found;
    });
    erased += ids.length;
    beat();
    const last = ids.at(-1);
    if (last === undefined || ids.length < BATCH) return erased;
    after = last;
  }
}
