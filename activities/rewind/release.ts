// The lanes and the relay work again: everything is as it should be, or the loss is accepted.
import type { Database } from '../../prisma/client';
import { readChapter, recordChapter, requireLife } from './life';

/** Something has to be done first; the code says what. */
export class NotReadyForRelease extends Error {
  override name = 'NotReadyForRelease';
  constructor(readonly code: 'journal_not_read' | 'reconcile_unfinished' | 'mail_held') {
    super(`The lanes stay held: ${code}`);
  }
}

/** Idempotent. Throws NotReadyForRelease. */
export async function releaseLanes(db: Database): Promise<void> {
  await db.$transaction(async (transaction) => {
    const tx = transaction as Database;
    const life = await requireLife(tx);
    const { heldCode } = await tx.instance.findUniqueOrThrow({ where: { id: 1 } });
    if (heldCode !== null) throw new NotReadyForRelease('mail_held');
    if (!(await readChapter(tx, life, 'marked'))) throw new NotReadyForRelease('journal_not_read');
    const [begun, ended] = [await readChapter(tx, life, 'reconcile_begun'), await readChapter(tx, life, 'reconciled')];
    if (begun && !(ended && ended.position > begun.position)) throw new NotReadyForRelease('reconcile_unfinished');
    const { count } = await tx.lane.updateMany({ where: { held: true }, data: { held: false } });
    if (count > 0) await recordChapter(tx, life, 'released', { lanes: count });
  });
}
