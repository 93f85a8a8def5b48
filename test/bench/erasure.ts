// People are erased among few drafts and among many, one after another and twenty at once: what an erasure costs must follow
// from what mentions the person, not from what there is. Ratios are of one run.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Aim, below } from './aims';
import type { Countersign } from './apps/countersign';
import { plant } from './cleanup';
import { now } from './clock';
import { type Percentiles, percentiles } from './percentiles';

const FEW = 1_000;
const ONE_BY_ONE = 5;
const AT_ONCE = 20;
const LOOKS_EACH_MS = 50;

interface Erasure {
  requestId: string;
  status: string;
  begunAt: string | null;
  endedAt: string | null;
  steps: { step: string; startedAt: string; finishedAt: string | null }[];
}

interface Measured {
  drafts: number;
  indexedPerSecond: number;
  requestMs: Percentiles;
  /** Of the steps that purge, the median of several people. */
  purgeMs: number;
  /** From the request to the certificate, of one person, and of twenty at once. */
  oneSeconds: number;
  twentySeconds: number;
  passes: number;
  scanMegabytesPerSecond: number;
  scanMegabytes: number;
}

export interface ErasureCost {
  few: Measured;
  many: Measured;
  aims: Aim[];
}

export async function measureErasures(
  { databaseUrl, asAdmin }: Countersign,
  rows: number,
  progress: (line: string) => void,
): Promise<ErasureCost> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const few = await measureAmong(FEW);
  const many = await measureAmong(rows);
  await client.end();
  return {
    few,
    many,
    aims: [
      below('request p99 among many, ms', many.requestMs.p99 ?? Number.POSITIVE_INFINITY, 1_000),
      below('purge among many : among few', many.purgeMs / few.purgeMs, 1.5),
      below('twenty at once : one, among few', few.twentySeconds / few.oneSeconds, 1.5),
      below('twenty at once : one, among many', many.twentySeconds / many.oneSeconds, 1.5),
    ],
  };

  async function measureAmong(drafts: number): Promise<Measured> {
    const { rows: known } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM drafts');
    progress(`making ${drafts} drafts`);
    await plant(client, drafts - (known[0]?.count ?? 0));
    await plantPeople(client, drafts);
    progress('waiting for the index of mentions');
    const begun = now();
    const { rows: due } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM mentions_due');
    await until(
      async () => (await client.query('SELECT 1 FROM mentions_due ORDER BY position LIMIT 1')).rows.length === 0,
    );
    const indexedPerSecond = (due[0]?.count ?? 0) / ((now() - begun) / 1_000);
    progress('requests');
    const requestMs: number[] = [];
    for (let n = 0; n < AT_ONCE; n++) {
      const asked = now();
      await asAdmin('POST', '/api/gdpr/erasures', { email: `waiting-${drafts}-${n}@example.test`, grace: 'P20D' });
      requestMs.push(now() - asked);
    }
    progress('one person after another');
    const one: Erasure[] = [];
    const seconds: number[] = [];
    for (let n = 0; n < ONE_BY_ONE; n++) {
      const [took, [erased]] = await erase([`person-${drafts}-${n}@example.test`]);
      seconds.push(took);
      if (erased) one.push(erased);
    }
    progress(`${AT_ONCE} people at once`);
    const before = await countPasses(client);
    const people = Array.from({ length: AT_ONCE }, (_, n) => `person-${drafts}-${ONE_BY_ONE + n}@example.test`);
    const [twentySeconds] = await erase(people);
    const { rows: pass } = await client.query<{ mb: number; seconds: number }>(`
      SELECT bytes / 1e6::float8 AS mb, extract(epoch FROM finished_at - started_at)::float8 AS seconds
      FROM scan_passes ORDER BY started_at DESC LIMIT 1`);
    const { mb = 0, seconds: scanSeconds = 1 } = pass[0] ?? {};
    return {
      drafts,
      indexedPerSecond,
      requestMs: percentiles(requestMs),
      purgeMs: median(one.map(purgeMsOf)),
      oneSeconds: median(seconds),
      twentySeconds,
      passes: (await countPasses(client)) - before,
      scanMegabytes: mb,
      scanMegabytesPerSecond: mb / scanSeconds,
    };
  }

  /** @returns seconds until all have their certificate */
  async function erase(people: string[]): Promise<[number, Erasure[]]> {
    const begun = now();
    const asked = await Promise.all(
      people.map((email) => asAdmin<Erasure>('POST', '/api/gdpr/erasures', { email, grace: 'PT0S' })),
    );
    const ended = await Promise.all(asked.map(({ requestId }) => endOf(requestId)));
    const failed = ended.find(({ status }) => status !== 'certified');
    if (failed) throw new Error(`An erasure ended ${failed.status}`);
    return [(now() - begun) / 1_000, ended];
  }

  async function endOf(requestId: string): Promise<Erasure> {
    for (;;) {
      const erasure = await asAdmin<Erasure>('GET', `/api/gdpr/erasures/${requestId}`);
      if (erasure.endedAt) return erasure;
      await delay(LOOKS_EACH_MS);
    }
  }
}

/** Five drafts to each person, and five of others that mention them. */
async function plantPeople(client: pg.Client, drafts: number): Promise<void> {
  await client.query(`
    CREATE TEMP TABLE about AS SELECT gen_random_uuid() AS id, p, i, (SELECT id FROM principals ORDER BY created_at DESC LIMIT 1) AS author,
      date_trunc('milliseconds', now()) AS at, 'person-${drafts}-' || p || '@example.test' AS email
      FROM generate_series(0, ${ONE_BY_ONE + AT_ONCE - 1}) p, generate_series(1, 10) i;
    INSERT INTO drafts (id, status, author_id, "to", recipient_hashes, decision, created_at, updated_at, needs_people, sent_at, outcome)
      SELECT id, 'sent', author, CASE WHEN i <= 5 THEN email ELSE 'reader-' || id || '@example.test' END, '{}',
        '{"outcome": "require", "policyVersion": 1, "reasons": [], "required": 1}', at, at, false, at, 'delivered' FROM about;
    INSERT INTO revisions (draft_id, revision, subject, body, editor_id, content_hash, created_at)
      SELECT id, 1, 'The figures', 'Please ask ' || email || ' for more.', author, sha256(id::text::bytea), at FROM about;
    DROP TABLE about;`);
  await client.query('VACUUM ANALYZE');
}

const purgeMsOf = ({ steps }: Erasure): number =>
  steps.reduce(
    (sum, { startedAt, finishedAt }) => sum + Date.parse(finishedAt ?? startedAt) - Date.parse(startedAt),
    0,
  );

async function countPasses(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM scan_passes');
  return rows[0]?.count ?? 0;
}

const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(LOOKS_EACH_MS);
}
