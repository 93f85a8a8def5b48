// After a rotation of SECRET_KEY, and for rows of a release without hashes: drafts still to be sent get the hashes that
// the keys of today give, so that every suppression finds them.
import { FIRST_UUID } from '../../ops/runtime/uuids';
import { type Database, Prisma } from '../../prisma/client';
import { IS_FINAL } from './erase-drafts';
import type { Subjects } from './subject';

const BATCH = 1000;

interface Row {
  id: string;
  to: string;
  recipientHashes: Uint8Array[];
}

/** @returns how many drafts had other hashes */
export async function rehashRecipients(db: Database, subjects: Pick<Subjects, 'hashesOf'>): Promise<number> {
  let changed = 0;
  for (let after = FIRST_UUID; ; ) {
    const rows = await db.$queryRaw<Row[]>`
      SELECT id, "to", recipient_hashes AS "recipientHashes" FROM drafts d
      WHERE id > ${after}::uuid AND "to" IS NOT NULL AND NOT ${IS_FINAL} ORDER BY id LIMIT ${BATCH}`;
    const stale = rows.flatMap(({ id, to, recipientHashes }) => {
      const hashes = subjects.hashesOf(to);
      return isEqual(hashes, recipientHashes) ? [] : [{ id, to, hashes: hashes.map(toHex) }];
    });
    // An address that has gone meanwhile stays gone.
    if (stale.length > 0) changed += await db.$executeRaw(update(JSON.stringify(stale)));
    const last = rows.at(-1);
    if (!last || rows.length < BATCH) return changed;
    after = last.id;
  }
}

const update = (stale: string) => Prisma.sql`
  UPDATE drafts d SET recipient_hashes = ARRAY(SELECT decode(h, 'hex') FROM unnest(s.hashes) WITH ORDINALITY AS u (h, n) ORDER BY n)
  FROM jsonb_to_recordset(${stale}::jsonb) AS s (id uuid, "to" text, hashes text[])
  WHERE d.id = s.id AND d."to" = s."to"`;

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const isEqual = (one: Uint8Array[], other: Uint8Array[]) =>
  one.length === other.length && one.every((hash, i) => Buffer.from(hash).equals(other[i] as Uint8Array));
