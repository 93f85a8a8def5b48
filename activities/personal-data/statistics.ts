// How much was written, decided and sent, by whom and how quickly. Made only of what outlives a draft's erasure, so that
// no number changes when content goes.
import { type Database, Prisma } from '../../prisma/client';

/** Days are of UTC; an author is an id. */
interface Group {
  day: string;
  campaign: string | null;
  authorId: string;
  count: number;
}

export interface Statistics {
  /** By the day of their creation. `status` is the last that was not `erased`. */
  drafts: (Group & { status: string; outcome: string | null })[];
  /** By their own day. */
  decisions: (Group & { verdict: string })[];
  /** By their own day. */
  sends: (Group & { outcome: string | null })[];
  /** From submission to the first decision, by the day of that decision. */
  timesToDecision: (Group & { medianSeconds: number; p90Seconds: number; longestSeconds: number })[];
}

const dayOf = (time: Prisma.Sql) => Prisma.sql`to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD')`;
const SECONDS = Prisma.sql`extract(epoch FROM decided.at - d.created_at)::float8`;

export async function readStatistics(db: Database): Promise<Statistics> {
  const count = async <T>(time: Prisma.Sql, rows: Prisma.Sql, more: Prisma.Sql, by: Prisma.Sql) =>
    db.$queryRaw<T[]>`
      SELECT ${dayOf(time)} AS day, d.campaign, d.author_id AS "authorId", count(*)::int AS count, ${more}
      FROM ${rows} GROUP BY ${by} ORDER BY ${by}`;
  const [drafts, decisions, sends, timesToDecision] = await Promise.all([
    count<Statistics['drafts'][number]>(
      Prisma.sql`d.created_at`,
      Prisma.sql`drafts d`,
      Prisma.sql`coalesce(d.final_status, d.status) AS status, d.outcome`,
      Prisma.sql`1, 2, 3, 5, 6`,
    ),
    count<Statistics['decisions'][number]>(
      Prisma.sql`v.at`,
      Prisma.sql`verdicts v JOIN drafts d ON d.id = v.draft_id`,
      Prisma.sql`v.verdict`,
      Prisma.sql`1, 2, 3, 5`,
    ),
    count<Statistics['sends'][number]>(
      Prisma.sql`d.sent_at`,
      Prisma.sql`drafts d WHERE d.sent_at IS NOT NULL`,
      Prisma.sql`d.outcome`,
      Prisma.sql`1, 2, 3, 5`,
    ),
    count<Statistics['timesToDecision'][number]>(
      Prisma.sql`decided.at`,
      Prisma.sql`drafts d JOIN (SELECT draft_id, min(at) AS at FROM verdicts GROUP BY draft_id) decided ON decided.draft_id = d.id`,
      Prisma.sql`percentile_cont(0.5) WITHIN GROUP (ORDER BY ${SECONDS}) AS "medianSeconds",
        percentile_cont(0.9) WITHIN GROUP (ORDER BY ${SECONDS}) AS "p90Seconds", max(${SECONDS}) AS "longestSeconds"`,
      Prisma.sql`1, 2, 3`,
    ),
  ]);
  return { drafts, decisions, sends, timesToDecision };
}
