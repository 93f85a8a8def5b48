// The bytes of attachments. Whose drafts go is decided in PostgreSQL, whose store comes before this one: here goes what no
// row names any more, and other people's files that mention the person.

import { buffer } from 'node:stream/consumers';
import { uuidv7 } from 'uuidv7';
import { type Database, Prisma } from '../../../prisma/client';
import { attachmentKey, removeObjectsOfRemovedRows, removeUnnamedObjects } from '../../attachments';
import { recordEvent } from '../../commands/audit';
import { SYSTEM } from '../../commands/context';
import type { MentionIndex } from '../../mention-index';
import { isWrittenTo } from '../../mention-index/lookup';
import { IS_HELD, IS_OPEN, shutOutNewHolds } from '../../personal-data/erase-drafts';
import {
  type AttachmentSources,
  findAttachmentsThatMention,
  type MentioningAttachment,
} from './mentioning-attachments';
import { type Counts, NOTHING, type Person, type PersonalDataStore } from './store';

/** An upload takes less; what an older one left behind was cut off. */
const UPLOAD_MS = 60 * 60_000;
/** Larger files are told by their names alone. */
const MOST_EXPORTED_BYTES = 1024 * 1024;

interface Concerned {
  id: string;
  isHeld: boolean;
}

/** One object; other people's attachments of the same bytes would keep it. */
interface Content {
  sha256: string;
  names: string[];
  type: string;
  size: number;
  isHeld: boolean;
}

export interface AttachmentsStoreDependencies extends AttachmentSources {
  index: Pick<MentionIndex, 'catchUp'>;
}

export function createAttachmentsStore({ index, ...sources }: AttachmentsStoreDependencies): PersonalDataStore {
  const { db, files } = sources;

  /** Of the person's drafts, and those that mention them, where nobody else has the same file. */
  async function contentsOf(person: Person): Promise<Content[]> {
    await index.catchUp(() => {});
    const mentioning = await findAttachmentsThatMention(sources, person);
    const own = await db.$queryRaw<Concerned[]>(Prisma.sql`
      SELECT n.attachment_id AS id, bool_or(${IS_HELD}) AS "isHeld"
      FROM drafts d JOIN draft_attachments n ON n.draft_id = d.id
      WHERE ${isWrittenTo(person.hashes)}
      GROUP BY n.attachment_id`);
    const held = new Map(own.map((one) => [one.id, one.isHeld]));
    for (const one of mentioning) held.set(one.id, held.get(one.id) || isHeld(one));
    const rows = await db.$queryRaw<(Omit<Content, 'isHeld' | 'names'> & { ids: string[]; names: string[] })[]>`
      SELECT a.sha256, array_agg(a.id ORDER BY a.id) AS ids, array_agg(DISTINCT a.name) AS names, min(a.type) AS type, min(a.size) AS size
      FROM attachments a
      WHERE a.sha256 IN (SELECT sha256 FROM attachments WHERE id = ANY (${[...held.keys()]}::uuid[]))
      GROUP BY a.sha256 ORDER BY a.sha256`;
    return rows
      .filter(({ ids }) => ids.every((id) => held.has(id)))
      .map(({ ids, ...content }) => ({ ...content, isHeld: ids.some((id) => held.get(id)) }));
  }

  return {
    name: 'attachments',
    async preview(person) {
      const contents = await contentsOf(person);
      const withheld = contents.filter((one) => one.isHeld).length;
      return counts(contents.length - withheld, withheld);
    },

    async purge(person, beat) {
      // A name may have been changed just now.
      await index.catchUp(beat);
      const mentioning = await findAttachmentsThatMention(sources, person, beat);
      const free = mentioning.filter((one) => !isHeld(one));
      // One in an open draft is for the store of PostgreSQL, since what was approved changes with it.
      const going = free.filter(({ drafts }) => drafts.every(({ isOpen }) => !isOpen));
      for (const { id } of going) await removeRow(db, id);
      // An upload that was cut off leaves an object without a row, which the hourly sweep takes at the latest.
      const strays = person.isRepeated ? await removeUnnamedObjects(db, files, beat) : 0;
      const objects = strays + (await removeObjectsOfRemovedRows(db, files, beat));
      await files.tidy(new Date(Date.now() - UPLOAD_MS));
      return counts(objects, mentioning.length - free.length);
    },

    async *export(person) {
      for (const { isHeld: _, ...content } of await contentsOf(person)) {
        const isLarge = content.size > MOST_EXPORTED_BYTES;
        const bytes = isLarge ? null : await buffer(await files.get(attachmentKey(content.sha256)));
        yield { ...content, content: bytes?.toString('base64') ?? null };
      }
    },
  };
}

const isHeld = ({ drafts }: MentioningAttachment) => drafts.some((draft) => draft.isHeld);
const counts = (erase: number, withhold: number): Counts => ({
  ...NOTHING,
  erase,
  withhold,
  ground: withhold > 0 ? 'legal_hold' : null,
});

async function removeRow(db: Database, id: string): Promise<void> {
  await db.$transaction(async (tx) => {
    // It was looked at a while ago: no draft may name it, and no hold be answered, from here on.
    await shutOutNewHolds(tx);
    await tx.$queryRaw`SELECT 1 FROM attachments WHERE id = ${id}::uuid FOR UPDATE`;
    const [inUse] = await tx.$queryRaw<unknown[]>`
      SELECT 1 FROM drafts d JOIN draft_attachments n ON n.draft_id = d.id
      WHERE n.attachment_id = ${id}::uuid AND (${IS_HELD} OR ${IS_OPEN})`;
    if (inUse) return;
    await tx.draftAttachment.deleteMany({ where: { attachmentId: id } });
    const { count } = await tx.attachment.deleteMany({ where: { id } });
    if (count === 0) return;
    const context = { actor: SYSTEM, requestId: uuidv7() };
    await recordEvent(tx as Database, context, { type: 'attachment.removed', subject: 'attachment', subjectId: id });
  });
}
