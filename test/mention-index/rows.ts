// One row in each place that the index reads, written by the product's commands, and how a test changes or removes it.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { TEXT_PLACES, type TextKind, type TextPlace } from '../../activities/personal-data/text-places';
import { aDraft, type TestCommands } from '../support/commands';
import type { TestDatabase } from '../support/database';

export const PLACES: TextPlace[] = TEXT_PLACES;
const NO_ID = '00000000-0000-0000-0000-000000000000';

export interface IndexedRow {
  place: TextPlace;
  id: string;
  part: number;
}

/** Writes a row of every place. @returns them by their table */
export async function writeRows(
  { commands, admin, person }: TestCommands,
  { db }: TestDatabase,
): Promise<Map<string, IndexedRow>> {
  const author = await person('an author', 'author');
  const approver = await person('an approver', 'approver');
  const sha256 = randomBytes(32).toString('hex');
  const attachment = await commands.recordAttachment(author, { name: 'a.txt', type: 'text/plain', size: 1, sha256 });
  const { id: draft } = await commands.submitDraft(author, aDraft({ attachments: [attachment.id] }));
  await commands.requestChanges(approver, { id: draft, comment: 'Shorter, please' });
  await commands.withdrawDraft(author, { id: draft, reason: 'A mistake' });
  const policy = await commands.setPolicy(admin, { mode: 'active', rules: [], otherwise: { outcome: 'require' } });
  const hold = await commands.placeHold(admin, { email: 'held@elsewhere.example', reason: 'A lawsuit' });
  const suppressed = { email: `${sha256}@elsewhere.example`.slice(40), reason: 'Their wish' };
  const { suppression } = await commands.addSuppression(admin, suppressed);
  const erasure = { email: `${sha256}@else.example`.slice(40), grace: 'P7D' };
  const { requestId } = await commands.requestErasure(admin, erasure);
  await commands.extendErasure(admin, requestId, 'Much to do');
  const key = await commands.createKey(admin, { name: `a holder of ${sha256}`, roles: ['author'], groups: ['all'] });
  const { principalId } = await db.apiKey.findUniqueOrThrow({ where: { id: key.id } });
  const verdict = await db.verdict.findFirstOrThrow({ where: { draftId: draft } });
  const note = await db.note.findFirstOrThrow({ where: { draftId: draft } });
  const act = { service: 'email', event: 'service.paused', reason: 'A planned outage' } as const;
  await commands.actOnService(admin, act, async () => {});
  const operatorNote = await db.operatorNote.findFirstOrThrow();
  const ids: Record<string, [id: string, part: number]> = {
    revisions: [draft, 1],
    verdicts: [verdict.id, 0],
    notes: [note.id, 0],
    drafts: [draft, 0],
    attachments: [attachment.id, 0],
    policies: [NO_ID, policy.version],
    legal_holds: [hold.id, 0],
    suppressions: [suppression.id, 0],
    erasures: [requestId, 0],
    principals: [principalId, 0],
    api_keys: [key.id, 0],
    operator_notes: [operatorNote.id, 0],
  };
  return new Map(
    PLACES.map((place) => {
      const known = ids[place.table];
      if (!known) throw new Error(`No command writes a row of ${place.table} here`);
      return [place.table, { place, id: known[0], part: known[1] }];
    }),
  );
}

/** Of a table `t`. */
export const isRow = ({ place, id, part }: IndexedRow) =>
  [...(place.id ? [`t.${place.id} = '${id}'`] : []), ...(place.part ? [`t.${place.part} = ${part}`] : [])].join(
    ' AND ',
  );

export function sqlOf(kind: TextKind, email: string): string {
  if (kind === 'json') return `'${JSON.stringify({ [`of ${email}`]: email })}'::jsonb`;
  if (kind === 'list') return `ARRAY['${email}']`;
  return `'${email}'`;
}

/** The rows that are due now, and none afterwards. */
export async function takeDue(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query('DELETE FROM mentions_due RETURNING place, row_id AS id, part');
  return [...new Set(rows.map(({ place, id, part }) => `${place} ${id} ${part}`))];
}
export const dueNameOf = ({ place, id, part }: IndexedRow) => `${place.table} ${id} ${part}`;
