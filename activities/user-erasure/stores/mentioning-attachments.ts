// Finds the attachments whose bytes or name mention a person, whoever's draft they belong to, by the index of mentions.
import type { ObjectStore } from '../../../ops/runtime/object-store';
import { type Database, Prisma } from '../../../prisma/client';
import { addressesInFile } from '../../mention-index/files';
import { MANY } from '../../mention-index/lookup';
import { IS_HELD, IS_OPEN } from '../../personal-data/erase-drafts';
import type { Matcher } from '../../personal-data/matching/matcher';
import { mentionsOf } from '../../personal-data/mentions';
import type { Person } from './store';

export interface MentioningAttachment {
  id: string;
  sha256: string;
  /** The drafts that name it. */
  drafts: { id: string; isHeld: boolean; isOpen: boolean }[];
}

export interface AttachmentSources {
  db: Database;
  files: ObjectStore;
  matcher: Pick<Matcher, 'addressesInBytes'>;
}

interface Candidate {
  id: string;
  name: string;
  sha256: string;
  /** The index has the hash of this person, rather than a note that there are many. */
  isCertain: boolean;
}

/** `beat` after each object that is read: of files with very many addresses the index has no list. */
export async function findAttachmentsThatMention(
  { db, files, matcher }: AttachmentSources,
  { email, hashes }: Pick<Person, 'email' | 'hashes'>,
  beat = () => {},
): Promise<MentioningAttachment[]> {
  const candidates = await db.$queryRaw<Candidate[]>`
    SELECT a.id, a.name, a.sha256, bool_or(m.hash <> ${MANY}) AS "isCertain"
    FROM mentions m JOIN attachments a ON a.id = m.row_id
    WHERE m.place = 'attachments' AND m.hash = ANY (${[...hashes, MANY]}::bytea[]) GROUP BY a.id ORDER BY a.id`;
  const { isIn } = mentionsOf(email);
  const known = new Map<string, boolean>();
  const isInFile = async (sha256: string): Promise<boolean> => {
    const answer = known.get(sha256) ?? (await addressesInFile({ files, matcher }, sha256))?.has(email) ?? false;
    known.set(sha256, answer);
    beat();
    return answer;
  };
  const found: MentioningAttachment[] = [];
  for (const { id, name, sha256, isCertain } of candidates) {
    if (isCertain || isIn(name) || (await isInFile(sha256))) found.push({ id, sha256, drafts: await draftsOf(db, id) });
  }
  return found;
}

function draftsOf(db: Database, attachmentId: string): Promise<MentioningAttachment['drafts']> {
  return db.$queryRaw(Prisma.sql`
    SELECT d.id, ${IS_HELD} AS "isHeld", ${IS_OPEN} AS "isOpen" FROM drafts d
    WHERE d.id IN (SELECT a.draft_id FROM draft_attachments a WHERE a.attachment_id = ${attachmentId}::uuid)
    ORDER BY d.id`);
}
