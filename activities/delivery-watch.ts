// Waits a moment for a mail that is due now, one statement for all that are waited for.
import { joined } from '../ops/runtime/joined';
import { type Database, NOT_SYNCED } from '../prisma/client';
import type { DraftState } from '../workflows/contracts/draft-approval';
import { STATE, type StateRow, toState } from './commands/draft-record';
import { DRAFTS, WATCHED_MS } from './outbox/outbox';

const LOOKS_EACH_MS = 40;
/** Each holds a workflow task: while the mail server is away the others must not wait for a slot. */
const MOST = 20;

/** Answers the draft's newest state, which is what it was given where the mail does not leave in time. */
export function createDeliveryWatch(db: Database): (id: string, draft: DraftState) => Promise<DraftState | null> {
  const look = joined((ids: readonly string[]) => readAsTold(db, ids), LOOKS_EACH_MS);
  let watching = 0;

  return async function watch(id, released) {
    const until = Date.now() + WATCHED_MS;
    if (!isLeaving(released) || watching >= MOST) return released;
    watching += 1;
    try {
      let draft: DraftState | null = released;
      while (draft && isLeaving(draft) && Date.now() < until) draft = await look(id);
      return draft;
    } finally {
      watching -= 1;
    }
  };
}

const isLeaving = ({ status, dueAt }: DraftState) =>
  status === 'sending' || (status === 'scheduled' && dueAt !== null && Date.parse(dueAt) <= Date.now());

/** Who reads that a mail has left has been told. */
async function readAsTold(db: Database, ids: readonly string[]): Promise<(DraftState | null)[]> {
  const rows = await db.$queryRaw<(StateRow & { id: string })[]>`
    WITH d AS MATERIALIZED (SELECT d.id, ${STATE} FROM drafts d WHERE id = ANY (${ids}::uuid[])), told AS (
      DELETE FROM outbox o USING d WHERE o.process = ${DRAFTS} AND o.entity_id = d.id
        AND (o.generation, o.version) <= (d.generation, d.version) AND d.status NOT IN ('scheduled', 'sending')
    )
    SELECT d.*, ${NOT_SYNCED} AS "commits" FROM d`;
  const states = new Map(rows.map((row) => [row.id, toState(row)]));
  return ids.map((id) => states.get(id) ?? null);
}
