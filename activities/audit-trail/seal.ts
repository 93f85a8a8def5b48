// The sealer: gives every committed event its place in the chain. Commands never wait for it, nor it for them.
//
// Positions are drawn before they are committed, so an event may appear below others that are sealed already. Whoever
// inserts holds a lock on the table from before it draws a position until its end. So each look remembers who holds one, and
// the next looks again only where somebody has ended since, from what had been drawn when they began. This is exact, and
// costs as much as there is news, however long the trail is. (It needs the sequence's CACHE to stay 1.)
import { type Database, Prisma, SERVER } from '../../prisma/client';
import { GENESIS, hashEvent } from './canonical';
import { EVENT, type EventRow, toRecord } from './events';

export interface Head {
  position: bigint;
  hash: Uint8Array;
}

export interface Sealed {
  /** The events that this call sealed. */
  events: readonly EventRow[];
  /** Whether there is more to seal at once. */
  isMore: boolean;
}

const BATCH = 1_000;
const LASTS_AT_MOST_MS = 60_000;
/** The first half of the lock's name is Countersign's audit trail, the second its sealer. */
export const SEALER_LOCK = Prisma.sql`pg_try_advisory_xact_lock(1129595986, 1)`;

export function createSealer(db: Database, batch = BATCH) {
  let memory: Memory = NOTHING_LOOKED_AT;

  /** One batch; null where another process seals. */
  return async function seal(): Promise<Sealed | null> {
    const next = { ...memory };
    const sealed = await db.$transaction((tx) => sealBatch(tx as Database, next, batch), { timeout: LASTS_AT_MOST_MS });
    // What was not committed is looked at again.
    if (sealed) memory = next;
    return sealed;
  };
}

/** Of one sealer, from look to look. */
export interface Memory {
  /** Which server answered, and in which generation: another one may have drawn the same positions for other events. */
  incarnation: string;
  /** Every event at or below is sealed, but for those of whom we wait for. */
  looked: bigint;
  /** Who was inserting at the last look, and what had been drawn when they were not yet. */
  inserting: Map<string, bigint>;
}

export const NOTHING_LOOKED_AT: Memory = { incarnation: '', looked: 0n, inserting: new Map() };

export async function sealBatch(tx: Database, memory: Memory, batch: number): Promise<Sealed | null> {
  const [lock] = await tx.$queryRaw<{ mine: boolean; server: string }[]>`
    SELECT ${SEALER_LOCK} AS mine, ${SERVER} AS server`;
  if (!lock?.mine) return null;
  const { settled } = await tx.auditProgress.findUniqueOrThrow({ where: { id: 1 } });
  const { generation } = await tx.instance.findUniqueOrThrow({ where: { id: 1 } });
  const incarnation = `${lock.server}/${generation}`;
  // A restore, a failover or a folder that was put back rewinds the positions.
  if (memory.incarnation !== incarnation) Object.assign(memory, NOTHING_LOOKED_AT, { incarnation });
  const looked = max(memory.looked, settled);

  // In this order: whoever draws a position after the first holds a lock at the second, or has ended and can be seen.
  const drawn = await readDrawn(tx);
  const now = await readInserting(tx);
  const ended = [...memory.inserting].filter(([who]) => !now.includes(who)).map(([, from]) => max(from, settled));
  const from = ended.reduce(min, looked);
  const events = await readUnsealed(tx, from, drawn, batch);
  await append(tx, events);

  const isMore = events.length === batch;
  // All up to the last of a full batch are sealed; the rest is looked at again, from there.
  memory.looked = isMore ? (events.at(-1) as EventRow).position : drawn;
  memory.inserting = new Map(now.map((who) => [who, max(memory.inserting.get(who) ?? looked, settled)]));
  const next = [...memory.inserting.values()].reduce(min, memory.looked);
  if (next > settled) await tx.auditProgress.update({ where: { id: 1 }, data: { settled: next } });
  return { events, isMore };
}

const min = (a: bigint, b: bigint) => (a < b ? a : b);
const max = (a: bigint, b: bigint) => (a > b ? a : b);

/** The highest position that anybody has drawn so far. */
async function readDrawn(tx: Database): Promise<bigint> {
  const [row] = await tx.$queryRaw<{ drawn: bigint | null }[]>`
    SELECT pg_sequence_last_value('audit_events_position_seq'::regclass) AS drawn`;
  return row?.drawn ?? 0n;
}

/** The transactions that have inserted an event, or are about to. */
async function readInserting(tx: Database): Promise<string[]> {
  const rows = await tx.$queryRaw<{ who: string }[]>`
    SELECT DISTINCT virtualtransaction AS who FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'audit_events'::regclass AND mode = 'RowExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  return rows.map(({ who }) => who);
}

/** By position, so the cost is that of the range; a join could be planned as a walk over the whole trail. */
function readUnsealed(tx: Database, from: bigint, to: bigint, limit: number): Promise<EventRow[]> {
  return tx.$queryRaw<EventRow[]>`
    SELECT ${EVENT} FROM audit_events e
    WHERE e.position > ${from} AND e.position <= ${to}
      AND (SELECT s.position FROM audit_seals s WHERE s.event_id = e.id) IS NULL
    ORDER BY e.position LIMIT ${limit}`;
}

/** Where the chain stands: its last seal, or where everything was pruned its last checkpoint. */
export async function readHead(db: Pick<Database, '$queryRaw'>): Promise<Head> {
  const [head] = await db.$queryRaw<Head[]>`
    (SELECT position, hash FROM audit_seals ORDER BY position DESC LIMIT 1)
    UNION ALL (SELECT position, hash FROM audit_checkpoints ORDER BY position DESC LIMIT 1)
    ORDER BY position DESC LIMIT 1`;
  return head ?? { position: 0n, hash: GENESIS };
}

/** Returns the hash of the seal at that position, or of the checkpoint that replaced it; null if there is neither. */
export async function readHash(db: Database, position: bigint): Promise<Uint8Array | null> {
  const at = { where: { position }, select: { hash: true } };
  const found = (await db.auditSeal.findUnique(at)) ?? (await db.auditCheckpoint.findUnique(at));
  return found?.hash ?? null;
}

async function append(tx: Database, events: EventRow[]): Promise<void> {
  if (events.length === 0) return;
  const head = await readHead(tx);
  const hashes = [Uint8Array.from(head.hash)];
  for (const [i, event] of events.entries()) {
    hashes.push(Uint8Array.from(hashEvent(hashes[i] as Uint8Array, toRecord(event))));
  }
  await tx.$executeRaw`
    INSERT INTO audit_seals (position, event_id, prev, hash)
    SELECT ${head.position} + n, id, prev, hash
    FROM unnest(${events.map(({ id }) => id)}::uuid[], ${hashes.slice(0, -1)}::bytea[], ${hashes.slice(1)}::bytea[])
      WITH ORDINALITY AS s (id, prev, hash, n)`;
}
