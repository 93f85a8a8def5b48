// Bounds how much room the files of one author take: nobody's uploads may fill the store of all.
import type { Database } from '../../prisma/client';
import { Refusal } from './refusal';

/** Makes other uploads of this author wait until the transaction ends, so that together they do not pass the quota. */
export const lockQuota = (tx: Database, uploaderId: string) =>
  tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`quota ${uploaderId}`}, 0))`;

/** @param quota in bytes. Throws the Refusal `quota_exceeded`. */
export async function assertRoom(db: Database, uploaderId: string, bytes: number, quota: number): Promise<void> {
  const { _sum } = await db.attachment.aggregate({ where: { uploaderId }, _sum: { size: true } });
  if ((_sum.size ?? 0) + bytes <= quota) return;
  const most = Math.floor(quota / 1_000_000);
  throw new Refusal(
    'quota_exceeded',
    `Your files may have ${most} MB together. Unused ones go after a day, others with their drafts; an operator can raise ATTACHMENT_QUOTA_MB.`,
  );
}
