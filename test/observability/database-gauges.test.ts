// What a scrape reads from PostgreSQL: the right numbers, at a cost that final drafts don't raise.
import { uuidv7 } from 'uuidv7';
import { observeDatabase, toStatement } from '../../ops/runtime/database-gauges';
import { createRegistry } from '../../ops/runtime/metrics';
import { DATABASE_GAUGES } from '../../worker/database-gauges';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { AUTHOR, plantDraft, plantPeople } from '../support/old-drafts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await plantPeople(database.db);
});
afterAll(() => database?.drop());

const sql = (text: string) => database.db.$queryRawUnsafe<Record<string, unknown>[]>(text);
const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);

async function scrape(query: (text: string) => Promise<unknown[]> = sql): Promise<string> {
  const registry = createRegistry('test');
  observeDatabase(registry, query, DATABASE_GAUGES);
  return registry.metrics();
}
/** The value of a series; null if it is absent. */
function seriesValue(text: string, series: string): number | null {
  const [name = '', labels = ''] = series.replace('}', ',process="test"}').split('{');
  const start = labels === '' ? `${name}{process="test"} ` : `${name}{${labels} `;
  const line = text.split('\n').find((one) => one.startsWith(start));
  const value = line?.split(' ').at(-1);
  return value === undefined ? null : Number(value);
}

it('counts open drafts by status, approvals by age, parked mails, messages and what is due', async () => {
  const before = await scrape();
  for (const series of ['countersign_drafts{status="parked"}', 'countersign_outbox_messages']) {
    expect(seriesValue(before, series)).toBe(0);
  }
  for (const minutes of [10, 20, 120, 2_000, 10_000]) {
    await plantDraft(database.db, { status: 'pending_review', createdAt: ago(minutes) });
  }
  await plantDraft(database.db, { status: 'failed', outcome: 'unknown' });
  await plantDraft(database.db, { status: 'failed', outcome: 'refused' });
  const due = await plantDraft(database.db, { status: 'scheduled' });
  await database.db.draft.update({ where: { id: due }, data: { nextAttemptAt: ago(3) } });
  await sql(`INSERT INTO outbox (process, entity_id, generation, version, message, created_at, next_try)
    VALUES ('draftApproval', '${uuidv7()}', 1, 1, '{}', now() - interval '90 seconds', now())`);
  await sql(`UPDATE lanes SET failures = 3, last_error = 'econnrefused' WHERE name = 'email'`);
  const text = await scrape();
  expect(
    Object.fromEntries(
      [
        'countersign_drafts{status="pending_review"}',
        'countersign_drafts{status="parked"}',
        'countersign_drafts{status="scheduled"}',
        'countersign_approvals_waiting{age="under_1h"}',
        'countersign_approvals_waiting{age="1h_to_1d"}',
        'countersign_approvals_waiting{age="1d_to_3d"}',
        'countersign_approvals_waiting{age="over_3d"}',
        'countersign_outbox_messages',
        'countersign_lane_due_items{service="email"}',
        'countersign_lane_due_items{service="hubspot"}',
        'countersign_breaker_state{service="email",state="open"}',
        'countersign_breaker_state{service="email",state="closed"}',
        'countersign_breaker_state{service="hubspot",state="open"}',
        'countersign_mail_held{reason="none"}',
      ].map((series) => [series, seriesValue(text, series)]),
    ),
  ).toEqual({
    'countersign_drafts{status="pending_review"}': 5,
    'countersign_drafts{status="parked"}': 1,
    'countersign_drafts{status="scheduled"}': 1,
    'countersign_approvals_waiting{age="under_1h"}': 2,
    'countersign_approvals_waiting{age="1h_to_1d"}': 1,
    'countersign_approvals_waiting{age="1d_to_3d"}': 1,
    'countersign_approvals_waiting{age="over_3d"}': 1,
    countersign_outbox_messages: 1,
    'countersign_lane_due_items{service="email"}': 1,
    'countersign_lane_due_items{service="hubspot"}': 0,
    'countersign_breaker_state{service="email",state="open"}': 1,
    'countersign_breaker_state{service="email",state="closed"}': 0,
    'countersign_breaker_state{service="hubspot",state="open"}': 0,
    'countersign_mail_held{reason="none"}': 0,
  });
  const between = (series: string, least: number) => {
    expect(seriesValue(text, series)).toBeGreaterThanOrEqual(least);
    expect(seriesValue(text, series)).toBeLessThan(least + 60);
  };
  between('countersign_outbox_oldest_seconds', 90);
  between('countersign_lane_oldest_due_seconds{service="email"}', 180);
  between('countersign_approval_oldest_seconds', 600_000);
  expect(text).not.toContain('relay');
});

it('asks once for all gauges of a scrape', async () => {
  const asked: string[] = [];
  await scrape((text) => {
    asked.push(text);
    return sql(text);
  });
  expect(asked).toEqual([toStatement(DATABASE_GAUGES)]);
});

it('shows no number at all while PostgreSQL can not be read', async () => {
  const text = await scrape(() => Promise.reject(new Error('no')));
  const shown = text.split('\n').filter((line) => DATABASE_GAUGES.some(({ name }) => line.startsWith(`${name}{`)));
  expect(shown.length).toBeGreaterThan(10);
  expect(shown.filter((line) => !line.endsWith(' Nan'))).toEqual([]);
});

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
}
const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

it('reads only open drafts, however many have come to their end', async () => {
  await sql(`INSERT INTO drafts (id, status, outcome, author_id, decision, created_at, updated_at, needs_people)
    SELECT gen_random_uuid(), CASE n % 4 WHEN 0 THEN 'failed' WHEN 1 THEN 'rejected' ELSE 'sent' END,
      CASE n % 4 WHEN 0 THEN 'refused' WHEN 1 THEN NULL ELSE 'delivered' END,
      '${AUTHOR}', '{}', now() - interval '1 hour', now(), false FROM generate_series(1, 50000) n`);
  await database.db.$executeRawUnsafe('ANALYZE drafts');
  const read: Record<string, number> = {};
  for (const { name, sql: statement } of DATABASE_GAUGES) {
    const [row = {}] = await sql(`EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`);
    const [{ Plan: plan }] = row['QUERY PLAN'] as [{ Plan: Plan }];
    const scans = nodesOf(plan).filter(
      (node) => node['Relation Name'] === 'drafts' || node['Node Type'].includes('Bitmap'),
    );
    for (const { 'Actual Rows': rows, 'Actual Loops': loops, 'Rows Removed by Filter': removed = 0 } of scans) {
      read[name] = (read[name] ?? 0) + (rows + removed) * loops;
    }
  }
  expect(Object.keys(read).sort()).toEqual([
    'countersign_approval_oldest_seconds',
    'countersign_approvals_waiting',
    'countersign_drafts',
    'countersign_lane_due_items',
    'countersign_lane_oldest_due_seconds',
  ]);
  for (const rows of Object.values(read)) expect(rows).toBeLessThan(20);
});
