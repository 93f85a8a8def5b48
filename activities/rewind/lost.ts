// What had been acknowledged and is gone: from the truth where there is one, and beyond its end, or without one, from what the
// lane's journal and Temporal's histories still know. Ids, states, times and counts only.
import type { Client } from '@temporalio/client';
import type { Database } from '../../prisma/client';
import { compareDrafts, DRAFT_ROW, type DraftAt, draftAt, isMarked, type Truth } from './differences';
import { readKnownStates } from './histories';
import { type JournalClaims, type JournalSources, readClaimsSince } from './journal-claims';
import { type Known, readKnown } from './known';
import { type Life, requireLife } from './life';
import { countMissing, type MissingRows, NOT_KNOWN } from './lost-counts';
import { compareErasures } from './reconcile-people';

export interface LostDraft {
  id: string;
  /** `claimed`: nothing is known but that its mail may have gone out. Null: not known. */
  was: Omit<DraftAt, 'version'> & { version: number | null };
  is: DraftAt | null;
}

export interface LostErasure {
  id: string;
  was: { status: string; version: number };
  is: { status: string; version: number } | null;
}

export interface Lost extends MissingRows {
  /** Mails that the restored database does not know to be sent. */
  sent: number;
  /** Mails of which the journal alone knows: they may have been sent. */
  claimed: number;
  /** False: there may be more that nobody knows of. */
  complete: boolean;
  drafts: LostDraft[];
  erasures: LostErasure[];
}

export interface FindLost extends JournalSources {
  restored: Database;
  truth: Truth | null;
}

const CLAIMED = 'claimed';
const PAGE = 500;

/** All at once; `streamLost` is for the many. */
export async function findLost(sources: FindLost): Promise<Lost> {
  const text: string[] = [];
  for await (const part of streamLost(sources)) text.push(part);
  return JSON.parse(text.join(''));
}

/** One JSON document, in parts. */
export async function* streamLost({ restored, truth, ...sources }: FindLost): AsyncIterable<string> {
  const life = await requireLife(restored);
  const counts = { sent: 0, claimed: 0 };
  const told = new Set<string>();
  let complete = true;
  yield '{"drafts":[';
  const drafts = async function* (): AsyncIterable<LostDraft> {
    if (truth) for await (const one of lostByTruth(restored, truth.db, life)) yield* once(one);
    if (truth?.isWhole) return;
    const known = truth ? await readKnown(truth.db) : life;
    const journal = await readClaimsSince(sources, known);
    // Without a whole truth nobody knows what was acknowledged and neither claimed nor told.
    complete = false;
    if (sources.temporal)
      for await (const one of lostByHistories(restored, sources.temporal, known, life)) yield* once(one);
    for await (const one of lostByJournal(restored, journal)) yield* once(one);
  };
  const once = function* (one: LostDraft) {
    if (told.has(one.id)) return;
    told.add(one.id);
    if (one.was.status === 'sent' && one.is?.status !== 'sent') counts.sent += 1;
    if (one.was.status === CLAIMED) counts.claimed += 1;
    yield one;
  };
  let separator = '';
  for await (const one of drafts()) {
    yield separator + JSON.stringify(one);
    separator = ',';
  }
  const erasures = await lostErasures(restored, truth, sources.temporal, life);
  const missing = truth ? await countMissing(restored, truth.db) : NOT_KNOWN;
  const rest: Omit<Lost, 'drafts'> = { ...missing, ...counts, erasures, complete };
  yield `],${JSON.stringify(rest).slice(1)}`;
}

async function* lostByTruth(restored: Database, truth: Database, life: Life): AsyncIterable<LostDraft> {
  for await (const { isSuperseded, ...lost } of compareDrafts(restored, truth, life)) {
    if (!isSuperseded && lost.is?.status !== 'erased') yield lost;
  }
}

async function* lostByHistories(
  restored: Database,
  temporal: Client,
  { knownUntil }: Known,
  { generation }: Life,
): AsyncIterable<LostDraft> {
  for await (const batch of readKnownStates(temporal, 'draftApproval', new Date(knownUntil))) {
    const here = await readHere(
      restored,
      batch.map(({ id }) => id),
    );
    for (const { id, generation: life, status, version, at } of batch) {
      const is = here.get(id);
      if (life >= generation || (is && !is.isMarked && version <= is.version)) continue;
      yield { id, was: { status, version, at }, is: toAt(is) };
    }
  }
}

async function* lostByJournal(restored: Database, { claimed }: JournalClaims): AsyncIterable<LostDraft> {
  const all = [...claimed];
  for (let i = 0; i < all.length; i += PAGE) {
    const page = all.slice(i, i + PAGE);
    const here = await readHere(
      restored,
      page.map(([id]) => id),
    );
    for (const [id, at] of page) {
      const is = here.get(id);
      if (!is || is.isMarked) yield { id, was: { status: CLAIMED, version: null, at }, is: toAt(is) };
    }
  }
}

async function lostErasures(
  restored: Database,
  truth: Truth | null,
  temporal: Client | null,
  { knownUntil, generation }: Life,
): Promise<LostErasure[]> {
  const lost: LostErasure[] = [];
  if (truth) for await (const one of compareErasures(restored, truth.db)) lost.push(one);
  if (truth?.isWhole || !temporal) return lost;
  for await (const batch of readKnownStates(temporal, 'userErasure', new Date(knownUntil))) {
    for (const { id, generation: life, status, version } of batch) {
      if (life >= generation || lost.some((one) => one.id === id)) continue;
      const is = await restored.erasure.findUnique({ where: { id }, select: { status: true, version: true } });
      if (!is || version > is.version) lost.push({ id, was: { status, version }, is });
    }
  }
  return lost;
}

type Here = DraftAt & { isMarked: boolean };

async function readHere(restored: Database, ids: string[]): Promise<Map<string, Here>> {
  const rows = await restored.draft.findMany({ where: { id: { in: ids } }, select: DRAFT_ROW });
  return new Map(rows.map((row) => [row.id, { ...draftAt(row), isMarked: isMarked(row) }]));
}

function toAt(here: Here | undefined): DraftAt | null {
  if (!here) return null;
  const { isMarked: _, ...at } = here;
  return at;
}
