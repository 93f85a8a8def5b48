// The lane's statements against new suppressions: once an addition is answered, nothing to that address is opened.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Claims, createClaims } from '../../activities/mail-delivery/claims';
import { type Database, Prisma } from '../../prisma/client';
import { aDraft, createTestCommands, type TestCommands, timeline } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { isLongRun } from '../support/servers';
import { until } from '../support/until';

const ROUNDS = isLongRun ? 300 : 100;
const OPENERS = 3;

let database: TestDatabase;
let test: TestCommands;
let claims: Claims;
beforeEach(async () => {
  database = await createTestDatabase();
  test = createTestCommands(database.db);
  await test.commands.setPolicy(test.admin, { mode: 'active', rules: [], otherwise: { outcome: 'auto_approve' } });
  claims = createClaims(database.db, 'email', randomUUID(), 'example.org');
  await claims.takeOver(null, { unsettled: null, isLookedAt: true });
});
afterEach(() => database.drop());

async function submit(to: string): Promise<string> {
  return (await test.commands.submitDraft(await test.person('an agent', 'author'), aDraft({ to }))).id;
}
const suppress = (email: string) => test.commands.addSuppression(test.admin, { email, reason: 'asked for it' });

it(`in ${ROUNDS} rounds of claims, opens and additions at once, none is opened after its recipient was suppressed`, async () => {
  const late: string[] = [];
  let opened = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const to = `reader-${round}@example.org`;
    const id = await submit(to);
    expect((await claims.claim(10)).ids).toEqual([id]);
    let answered = false;
    const open = async (wait: number) => {
      await delay(wait);
      for (let tries = 0; tries < 3; tries++) {
        const wasAnswered = answered;
        const mails = await claims.open([id]);
        opened += mails.length;
        if (mails.length > 0 && wasAnswered) late.push(id);
        await claims.claim(1);
      }
    };
    const add = async () => {
      await delay(round % 4);
      await suppress(to);
      answered = true;
      // From here on it is certain, whatever still runs.
      if ((await claims.open([id])).length > 0) late.push(id);
    };
    await Promise.all([add(), ...Array.from({ length: OPENERS }, (_, i) => open((round + i) % 5))]);
    await claims.block([id]);
  }
  expect(late).toEqual([]);
  // Both kinds of end did happen, and each opening came before the lock of the suppression, by the database's own clock.
  const ends = await database.db.draft.groupBy({ by: ['status'], _count: true, orderBy: { status: 'asc' } });
  expect(ends.map(({ status }) => status)).toEqual(['blocked', 'sending']);
  expect(ends.find(({ status }) => status === 'sending')?._count).toBe(opened);
  const wrong = await database.db.$queryRaw<unknown[]>`
    SELECT d.id FROM drafts d JOIN suppressed_hashes h ON h.hash = ANY (d.recipient_hashes) JOIN suppressions s ON s.id = h.suppression_id
    WHERE d.status = 'sending' AND d.updated_at > s.created_at`;
  expect(wrong).toEqual([]);
});

async function waiting(): Promise<number> {
  const { rowCount } = await database.pool.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rowCount ?? 0;
}

it('an opening that waited for an addition sees it', async () => {
  const id = await submit('reader@example.org');
  await claims.claim(1);
  const holder = await database.pool.connect();
  try {
    await holder.query(`BEGIN; SELECT 1 FROM lanes WHERE name = 'email' FOR UPDATE`);
    const adding = suppress('reader@example.org');
    await until('the addition waits', async () => (await waiting()) === 1);
    const opening = Promise.resolve(claims.open([id]));
    await until('the opening waits behind it', async () => (await waiting()) === 2);
    await holder.query('COMMIT');
    await adding;
    expect(await opening).toEqual([]);
  } finally {
    // Whatever has failed, nobody waits any longer.
    holder.release(true);
  }
});

it('the list is looked at only by who has the lane, and after it has it', async () => {
  await submit('reader@example.org');
  const plan = await planOf((db) => createClaims(db, 'email', randomUUID(), 'example.org').open([randomUUID()]));
  // Nothing below this node runs unless the lane's lock was taken by this owner.
  const gate = find(plan, (node) => node['One-Time Filter'] !== undefined);
  expect(gate).toBeDefined();
  expect(JSON.stringify(gate)).toContain('is_suppressed');
  const without = JSON.stringify(plan, (_key, value) => (value === gate ? undefined : value));
  expect(without).not.toContain('is_suppressed');
});

describe('what is blocked', () => {
  it('is only what this owner claimed and what is suppressed', async () => {
    const [suppressed, other] = [await submit('a@example.org'), await submit('b@example.org')];
    await claims.claim(10);
    const late = await submit('a@example.org');
    await suppress('a@example.org');
    expect((await claims.open([suppressed, other, late])).map(({ id }) => id)).toEqual([other]);
    const stranger = createClaims(database.db, 'email', randomUUID(), 'example.org');
    await stranger.block([suppressed]);
    expect(await database.db.draft.findUnique({ where: { id: suppressed } })).toMatchObject({ status: 'scheduled' });
    await claims.block([suppressed, other, late]);
    const status = async (id: string) => (await database.db.draft.findUniqueOrThrow({ where: { id } })).status;
    expect([await status(suppressed), await status(other), await status(late)]).toEqual([
      'blocked',
      'sending',
      'scheduled',
    ]);
    expect((await timeline(database.db, suppressed)).at(-1)).toBe('blocked');
    await claims.block([suppressed]);
    expect(await timeline(database.db, suppressed)).toEqual(['submitted', 'approved', 'released', 'blocked']);
  });
});

type Plan = Record<string, unknown> & { Plans?: Plan[] };

/** How PostgreSQL would carry out the statement that `use` hands to the database. */
async function planOf(use: (db: Database) => Promise<unknown>): Promise<Plan> {
  let statement = Prisma.empty;
  const reader = {
    $queryRaw: (strings: TemplateStringsArray, ...values: unknown[]) => {
      statement = Prisma.sql(strings, ...values);
      return Promise.resolve([]);
    },
  };
  await use(reader as unknown as Database);
  const [row] = await database.db.$queryRaw<[{ 'QUERY PLAN': [{ Plan: Plan }] }]>`EXPLAIN (FORMAT JSON) ${statement}`;
  return row['QUERY PLAN'][0].Plan;
}

function find(plan: Plan, test: (node: Plan) => boolean): Plan | undefined {
  if (test(plan)) return plan;
  for (const below of plan.Plans ?? []) {
    const found = find(below, test);
    if (found) return found;
  }
  return undefined;
}
