// The statements that every lane shares: it takes the lane over, claims what is due, and gives back what it did not open. Each
// acts only while this attempt owns the lane (docs/architecture.md, "The lane's protocol"): without that fence a frozen worker and
// its successor would both act.
import { type Database, NOT_SYNCED, Prisma, SERVER } from '../../prisma/client';
import type { Watermark } from '../../workflows/contracts/lane';
import { isBehind } from './watermark';

/** Names the rows that wait for a lane: literals of ours, so that PostgreSQL uses the partial index on them. */
export interface DueItems {
  table: 'drafts' | 'crm_syncs';
  id: 'id' | 'draft_id';
  /** The status of an item that the lane may claim at `next_attempt_at`. */
  waiting: string;
  /** The status of an item that the service may be hearing of. */
  open: string;
  /**
   * Settles, in the takeover's transaction, what earlier owners had claimed or open.
   * @param mayBeOpen of an item: the service may have heard of it
   * @returns whether a process is to hear of it
   */
  settle(tx: Database, owner: string, mayBeOpen: Prisma.Sql): Promise<boolean>;
}

export interface LaneRow {
  journalRun: string | null;
  failures: number;
  failingSince: Date | null;
  sent: bigint;
  mark: Watermark;
}

/** `behind`: the database is not as far as is known of it, so time was rewound. `other_server`: nothing has been done yet. */
export type TakenOver =
  | { state: 'owned'; lane: LaneRow; told: boolean }
  | { state: 'held' | 'behind' | 'other_server' };

export interface Unsettled {
  owner: string;
  /** The items that it may have opened. It claimed others too, and opened none of them. */
  opened: readonly string[];
}

export interface TakeOver {
  /** An earlier attempt of this process that could not give back what it had claimed; null if there is none. */
  unsettled: Unsettled | null;
  /** Whether a server that is another than the last owner's may be worked with. */
  isLookedAt: boolean;
}

export interface Claim {
  owned: boolean;
  ids: string[];
  /** After this claim; null where nothing was due. */
  mark: Watermark | null;
  /** If nothing was due: milliseconds until the next item is; null if none is scheduled. */
  nextInMs: number | null;
}

export interface LaneClaims {
  takeOver(least: Watermark | null, how: TakeOver): Promise<TakenOver>;
  claim(limit: number): Promise<Claim>;
  release(opened: readonly string[]): Promise<void>;
  countDue(): Promise<number>;
}

interface Found extends Omit<LaneRow, 'mark'> {
  held: boolean;
  claims: bigint;
  generation: number;
  /** Null in what an older build has written. */
  isOtherServer: boolean | null;
}

/** @param owner drawn at random by one activity attempt */
export function createLaneClaims(
  db: Database,
  lane: string,
  owner: string,
  { table, id, settle, ...status }: DueItems,
) {
  const items = Prisma.raw(`"${table}"`);
  const itemId = Prisma.raw(`"${id}"`);
  const [waiting, open] = [Prisma.raw(`'${status.waiting}'`), Prisma.raw(`'${status.open}'`)];
  /** How often the lane had claimed when this attempt last heard of it. A server that was started since, or that has been
   *  replaced by another one, is first compared with what is known elsewhere: only a takeover does that. */
  let known = 0;
  const isOurs = () =>
    Prisma.sql`name = ${lane} AND owner = ${owner}::uuid AND NOT held AND server = ${SERVER} AND claims >= ${known}`;

  return {
    /** The beginning of a statement that acts only while the lane is ours: `EXISTS (SELECT 1 FROM l)`. */
    owned: () => Prisma.sql`l AS MATERIALIZED (SELECT 1 FROM lanes WHERE ${isOurs()} FOR SHARE)`,

    /**
     * Settles what another owner had open, and releases what it had only claimed. If the server has changed since, what was
     * claimed may have been opened in a time that is gone, and counts as open too.
     * @param least how far the database has been, as far as anybody knows
     */
    async takeOver(least: Watermark | null, { unsettled, isLookedAt }: TakeOver): Promise<TakenOver> {
      return db.$transaction(async (tx) => {
        const [row] = await tx.$queryRaw<Found[]>`
          SELECT l.held, l.claims, i.generation, l.server <> ${SERVER} AS "isOtherServer", l.journal_run AS "journalRun",
            l.failures, l.failing_since AS "failingSince", l.sent
          FROM lanes l, instance i WHERE l.name = ${lane} AND i.id = 1 FOR UPDATE OF l`;
        if (!row || row.held) return { state: 'held' };
        const mark = { generation: row.generation, claims: Number(row.claims) };
        if (least && isBehind(mark, least)) return { state: 'behind' };
        if (row.isOtherServer && !isLookedAt) return { state: 'other_server' };
        await tx.$executeRaw`UPDATE lanes SET owner = ${owner}::uuid, server = ${SERVER} WHERE name = ${lane}`;
        const isUnopened = unsettled
          ? Prisma.sql`(claim_owner = ${unsettled.owner}::uuid AND ${itemId} <> ALL (${unsettled.opened}::uuid[]))`
          : Prisma.sql`false`;
        const mayBeOpen = Prisma.sql`(status = ${open} OR (${row.isOtherServer ?? false}::boolean AND NOT ${isUnopened}))`;
        const told = await settle(tx as Database, owner, mayBeOpen);
        known = mark.claims;
        const { journalRun, failures, failingSince, sent } = row;
        return { state: 'owned', lane: { journalRun, failures, failingSince, sent, mark }, told };
      });
    },

    /** Takes up to `limit` items that are due. `owned` false: the lane has another owner by now, is held, or the server has
     *  changed. What it claims is on disk when it returns: the journal must never know more than the database. */
    async claim(limit: number): Promise<Claim> {
      const [row] = await db.$queryRaw<(Omit<Claim, 'mark'> & { claims: bigint | null; generation: number })[]>`
        WITH l AS MATERIALIZED (SELECT 1 FROM lanes WHERE ${isOurs()} FOR NO KEY UPDATE), due AS (
          SELECT ${itemId} AS id FROM ${items}
          WHERE status = ${waiting} AND claim_owner IS NULL AND next_attempt_at <= now() AND EXISTS (SELECT 1 FROM l)
          ORDER BY next_attempt_at, ${itemId} LIMIT ${limit} FOR UPDATE SKIP LOCKED
        ), claimed AS (
          UPDATE ${items} i SET claim_owner = ${owner}::uuid FROM due WHERE i.${itemId} = due.id RETURNING due.id
        ), counted AS (
          UPDATE lanes SET claims = claims + 1 WHERE name = ${lane} AND EXISTS (SELECT 1 FROM claimed) RETURNING claims
        )
        SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM claimed) THEN ${NOT_SYNCED} END AS "commits",
          EXISTS (SELECT 1 FROM l) AS owned, ARRAY(SELECT id FROM claimed) AS ids,
          (SELECT claims FROM counted) AS claims, (SELECT generation FROM instance WHERE id = 1) AS generation,
          CASE WHEN NOT EXISTS (SELECT 1 FROM due) THEN (
            SELECT extract(epoch FROM min(next_attempt_at) - clock_timestamp())::float8 * 1000
            FROM ${items} WHERE status = ${waiting} AND claim_owner IS NULL) END AS "nextInMs"`;
      if (!row) return { owned: false, ids: [], mark: null, nextInMs: null };
      const { owned, ids, claims, generation, nextInMs } = row;
      if (claims === null) return { owned, ids, mark: null, nextInMs };
      known = Number(claims);
      return { owned, ids, mark: { generation, claims: known }, nextInMs };
    },

    /** Gives back what was claimed and surely not opened. @param opened what this attempt may have opened */
    async release(opened: readonly string[]): Promise<void> {
      await db.$executeRaw`
        UPDATE ${items} SET claim_owner = NULL
        WHERE claim_owner = ${owner}::uuid AND status = ${waiting} AND ${itemId} <> ALL (${opened}::uuid[])`;
    },

    async countDue(): Promise<number> {
      const [row] = await db.$queryRaw<{ due: bigint }[]>`
        SELECT count(*) AS due FROM ${items} WHERE status = ${waiting} AND next_attempt_at <= now()`;
      return Number(row?.due ?? 0);
    },
  };
}
