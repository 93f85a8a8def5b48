// Reads what a draft's revisions say, for an export: their texts in pieces, since each may have a MiB.
import { type Database, Prisma } from '../../../../prisma/client';
import { LongText } from '../store';

/** In characters. */
const PIECE = 64 * 1024;

interface RevisionRow {
  revision: number;
  subject: string | null;
  /** Their first piece. */
  body: string | null;
  html: string | null;
  createdAt: Date;
  /** Another one after each change of the row. */
  state: string;
}

export async function* readRevisions(db: Database, draftId: string): AsyncIterable<unknown> {
  for (let after = 0; ; ) {
    const [row] = await db.$queryRaw<RevisionRow[]>`
      SELECT revision, subject, left(body, ${PIECE}) AS body, left(html, ${PIECE}) AS html, created_at AS "createdAt", xmin::text AS state
      FROM revisions WHERE draft_id = ${draftId}::uuid AND revision > ${after} ORDER BY revision LIMIT 1`;
    if (!row) return;
    const { state, ...revision } = row;
    const whole = (column: 'body' | 'html') => {
      const first = row[column];
      const of = { draftId, revision: row.revision, state };
      return isWhole(first) ? first : new LongText(readPieces(db, Prisma.raw(column), of, first));
    };
    yield { ...revision, body: whole('body'), html: whole('html') };
    after = row.revision;
  }
}

/** A text of fewer UTF-16 units than a piece has fewer characters too, so PostgreSQL holds no more of it. */
const isWhole = (piece: string | null) => piece === null || piece.length < PIECE;

async function* readPieces(
  db: Database,
  column: Prisma.Sql,
  { draftId, revision, state }: { draftId: string; revision: number; state: string },
  first: string | null,
): AsyncIterable<string> {
  let piece = first;
  for (let from = 1 + PIECE; piece !== null; from += PIECE) {
    yield piece;
    if (isWhole(piece)) return;
    const [next] = await db.$queryRaw<{ piece: string }[]>`
      SELECT substr(${column}, ${from}::int, ${PIECE}) AS piece FROM revisions
      WHERE draft_id = ${draftId}::uuid AND revision = ${revision} AND xmin::text = ${state}`;
    if (!next) throw new Error('A revision changed while it was read');
    piece = next.piece;
  }
}
