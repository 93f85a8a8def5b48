// Attachments whose bytes or name mention a person, whoever's draft they belong to.

import type { Readable } from 'node:stream';
import { ObjectNotFound, type ObjectStore } from '../../../ops/runtime/object-store';
import { type Database, Prisma } from '../../../prisma/client';
import { attachmentKey } from '../../attachments';
import { IS_HELD, IS_OPEN } from '../../personal-data/erase-drafts';
import { mentionsOf } from '../../personal-data/mentions';
import { isMentionedIn } from '../../personal-data/mentions-in-bytes';

export interface MentioningAttachment {
  id: string;
  sha256: string;
  /** The drafts that name it. */
  drafts: { id: string; isHeld: boolean; isOpen: boolean }[];
}

const BATCH = 500;

/** Reads every object once. `beat` after each. */
export async function findAttachmentsThatMention(
  db: Database,
  files: ObjectStore,
  email: string,
  beat = () => {},
): Promise<MentioningAttachment[]> {
  const mentions = mentionsOf(email);
  const known = new Map<string, boolean>();
  const found: MentioningAttachment[] = [];

  async function isMentioned(sha256: string): Promise<boolean> {
    const before = known.get(sha256);
    if (before !== undefined) return before;
    const content = await contentOf(files, attachmentKey(sha256));
    const answer = content !== null && (await isMentionedIn(mentions, content));
    known.set(sha256, answer);
    beat();
    return answer;
  }

  for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
    const rows = await db.attachment.findMany({ where: { id: { gt: after } }, orderBy: { id: 'asc' }, take: BATCH });
    for (const { id, name, sha256 } of rows) {
      if (mentions.find(name).length > 0 || (await isMentioned(sha256))) {
        found.push({ id, sha256, drafts: await draftsOf(db, id) });
      }
    }
    const last = rows.at(-1);
    if (!last || rows.length < BATCH) return found;
    after = last.id;
  }
}

function draftsOf(db: Database, attachmentId: string): Promise<MentioningAttachment['drafts']> {
  return db.$queryRaw(Prisma.sql`
    SELECT d.id, ${IS_HELD} AS "isHeld", ${IS_OPEN} AS "isOpen" FROM drafts d
    WHERE EXISTS (SELECT FROM draft_attachments a WHERE a.draft_id = d.id AND a.attachment_id = ${attachmentId}::uuid)
    ORDER BY d.id`);
}

/** One that somebody deleted in S3 may still lie there in an older version, which has the same bytes. */
async function contentOf(files: ObjectStore, key: string): Promise<Readable | null> {
  const current = await files.get(key).catch(nullIfGone);
  if (current) return current;
  for await (const { version } of files.versions(key)) {
    const older = await files.get(key, version).catch(nullIfGone);
    if (older) return older;
  }
  return null;
}

function nullIfGone(error: unknown): null {
  if (error instanceof ObjectNotFound) return null;
  throw error;
}
