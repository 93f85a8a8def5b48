// What the restored database lacks of what had been acknowledged: its drafts beside those of the truth, page by page.
import { FIRST_UUID } from '../../ops/runtime/uuids';
import type { Database } from '../../prisma/client';
import { SYSTEM } from '../commands/context';
import { REWOUND, UNCONFIRMED } from '../commands/failure-codes';
import type { Life } from './life';

/** The database that was left behind, or what the archive has of it. */
export interface Truth {
  db: Database;
  /** Everything that was ever acknowledged is there: it is the old cluster itself, stopped. False for the end of an archive. */
  isWhole: boolean;
}

/** Times ISO 8601. */
export interface DraftAt {
  status: string;
  version: number;
  at: string;
}

export interface DraftDifference {
  id: string;
  was: DraftAt;
  is: DraftAt | null;
  /** A person has decided otherwise in the new life, and no mail has gone out: that stands. */
  isSuperseded: boolean;
}

interface Row {
  id: string;
  status: string;
  version: number;
  updatedAt: Date;
  outcome: string | null;
  failureCode: string | null;
  finalStatus: string | null;
}

const PAGE = 2_000;
export const DRAFT_ROW = {
  id: true,
  status: true,
  version: true,
  updatedAt: true,
  outcome: true,
  failureCode: true,
  finalStatus: true,
} as const;

/** In the order of their ids. */
export async function* compareDrafts(restored: Database, truth: Database, life: Life): AsyncIterable<DraftDifference> {
  for (let after = FIRST_UUID; ; ) {
    const page = await truth.draft.findMany({
      where: { id: { gt: after } },
      orderBy: { id: 'asc' },
      take: PAGE,
      select: DRAFT_ROW,
    });
    yield* comparePage(restored, page, life);
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    after = last.id;
  }
}

async function* comparePage(restored: Database, page: Row[], life: Life): AsyncIterable<DraftDifference> {
  const rows = await restored.draft.findMany({ where: { id: { in: page.map(({ id }) => id) } }, select: DRAFT_ROW });
  const there = new Map(rows.map((row) => [row.id, row]));
  const differing = page.filter((was) => isBehind(was, there.get(was.id)) || isTied(was, there.get(was.id), life));
  const since = await readEventsSince(
    restored,
    differing.map(({ id }) => id),
    life,
  );
  for (const was of differing) {
    const is = there.get(was.id);
    const { decided = false, reconciled = false } = since.get(was.id) ?? {};
    if (reconciled && !isBehind(was, is)) continue;
    yield { id: was.id, was: draftAt(was), is: is ? draftAt(is) : null, isSuperseded: decided && !mayHaveGoneOut(was) };
  }
}

/** What is erased stays erased. What the journal has parked may be anything. */
function isBehind(was: Row, is: Row | undefined): boolean {
  if (!is) return true;
  if (is.status === 'erased') return endOf(was) !== endOf(is);
  return was.version > is.version || isMarked(is);
}

/** What is left of an erased draft is how it ended. */
const endOf = ({ status, finalStatus }: Row) =>
  status === 'erased' ? finalStatus : status === 'sending' ? 'failed' : status;

/** Both went on by themselves: a deadline has passed here, say, before which somebody had decided there. */
const isTied = (was: Row, is: Row | undefined, { begunAt, knownUntil }: Life) =>
  is !== undefined && is.status !== 'erased' && is.updatedAt >= begunAt && was.updatedAt > new Date(knownUntil);

/** By the journal, or because nobody knows what became of it. */
export const isMarked = (row: Pick<Row, 'status' | 'outcome' | 'failureCode'>) =>
  row.status === 'failed' && row.outcome === 'unknown' && [REWOUND, UNCONFIRMED].includes(row.failureCode ?? '');

const mayHaveGoneOut = ({ status, outcome }: Row) =>
  status === 'sent' || status === 'sending' || status === 'erased' || (status === 'failed' && outcome === 'unknown');

export const draftAt = ({ status, version, updatedAt }: Pick<Row, 'status' | 'version' | 'updatedAt'>): DraftAt => ({
  status,
  version,
  at: updatedAt.toISOString(),
});

interface EventsSince {
  id: string;
  /** By a person. */
  decided: boolean;
  reconciled: boolean;
}

async function readEventsSince(db: Database, ids: string[], { position }: Life): Promise<Map<string, EventsSince>> {
  if (ids.length === 0) return new Map();
  const rows = await db.$queryRaw<EventsSince[]>`
    SELECT subject_id AS id, bool_or(actor_id <> ${SYSTEM.id}::uuid) AS decided, bool_or(type = 'draft.reconciled') AS reconciled
    FROM audit_events WHERE subject_id = ANY (${ids}::uuid[]) AND position > ${position} AND type <> 'draft.refused'
    GROUP BY subject_id`;
  return new Map(rows.map((row) => [row.id, row]));
}
