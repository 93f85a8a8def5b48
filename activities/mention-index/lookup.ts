// Looks up in the index of mentions.
import { Prisma } from '../../prisma/client';

/** The place of the address that a draft is written to. */
export const RECIPIENTS = 'recipients';
/** In place of more hashes than are noted of one row: everybody's erasure reads that row. */
export const MANY = new Uint8Array(32);

/** Of `drafts d`: was written to this person. */
export const isWrittenTo = (hashes: readonly Uint8Array[]) => Prisma.sql`(d."to" IS NOT NULL AND d.id IN (
  SELECT m.row_id FROM mentions m WHERE m.place = ${RECIPIENTS} AND m.hash = ANY (${[...hashes]}::bytea[])))`;
