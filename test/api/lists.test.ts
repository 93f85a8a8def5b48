// Lists answer within bounds, whatever clients have written, and a search reads an index.
import { setTimeout as delay } from 'node:timers/promises';
import type TestAgent from 'supertest/lib/agent';
import { problemOf } from '../../api/problems';
import { createDatabase } from '../../prisma/client';
import { aDraft } from '../support/commands';
import { SMALL_POOL } from '../support/database';
import { problem, TestApi } from './test-api';

const LARGEST = 5 * 2 ** 20;

let api: TestApi;
let author: TestAgent;
let approver: TestAgent;
beforeAll(async () => {
  api = await TestApi.create();
  author = await api.person('an agent', 'author');
  approver = await api.person('Ada', 'approver');
});
afterAll(() => api.close());

const submit = async (changes = {}) => (await author.post('/api/drafts').send(aDraft(changes))).body;
const sql = (text: string) => api.database.pool.query(text);

describe('a list of drafts', () => {
  it('is small though each of its drafts has a body of a megabyte', async () => {
    const { id } = await submit({ campaign: 'large', html: '<p>x</p>', metadata: { large: 'x'.repeat(10_000) } });
    await sql(`
      WITH copies AS (SELECT gen_random_uuid() AS id FROM generate_series(1, 200)), drafts_made AS (
        INSERT INTO drafts SELECT (jsonb_populate_record(d, jsonb_build_object('id', c.id))).* FROM drafts d, copies c WHERE d.id = '${id}'
        RETURNING id)
      INSERT INTO revisions SELECT (jsonb_populate_record(r, jsonb_build_object('draft_id', m.id, 'body', repeat('x', 1000000)))).*
      FROM revisions r, drafts_made m WHERE r.draft_id = '${id}'`);
    const { body, text } = await approver.get('/api/drafts?limit=200&campaign=large');
    expect(body.items).toHaveLength(200);
    expect(text.length).toBeLessThan(2 ** 20);
    expect(Object.keys(body.items[0])).not.toEqual(expect.arrayContaining(['body']));
    for (const field of ['body', 'html', 'metadata']) expect(body.items[0]).not.toHaveProperty(field);
    expect((await approver.get(`/api/drafts/${id}`)).body).toMatchObject({ html: '<p>x</p>' });
  });

  it('and the answers to many decisions have no bodies either', async () => {
    const drafts = await Promise.all([1, 2].map(() => submit({ body: 'x'.repeat(100_000) })));
    const decisions = drafts.map(({ id }) => ({ id, revision: 1, decision: 'approve' }));
    const { body, text } = await approver.post('/api/drafts/decisions').send({ decisions });
    expect(body.items.map(({ draft }: { draft: { status: string } }) => draft.status)).toEqual([
      'approved',
      'approved',
    ]);
    expect(text.length).toBeLessThan(10_000);
  });
});

it('a page of large items ends early, and the next ones have the rest', async () => {
  const { id } = await submit();
  await sql(`
    WITH events AS (INSERT INTO audit_events (id, type, at, subject, subject_id)
      SELECT gen_random_uuid(), 'draft.noted', now(), 'draft', '${id}' FROM generate_series(1, 199) RETURNING id)
    INSERT INTO notes (id, draft_id, text) SELECT id, '${id}', repeat('🚀', 10000) FROM events`);
  const seen: string[] = [];
  let pages = 0;
  for (let cursor: string | null = ''; cursor !== null; pages++) {
    const { body, text } = await author.get(`/api/drafts/${id}/events?limit=200&cursor=${cursor}`);
    expect(Buffer.byteLength(text)).toBeLessThan(LARGEST);
    seen.push(...body.items.map((event: { id: string }) => event.id));
    cursor = body.nextCursor;
  }
  expect(pages).toBeGreaterThan(1);
  expect([seen.length, new Set(seen).size]).toEqual([200, 200]);
});

describe('q', () => {
  const found = async (q: string, who = approver) =>
    (await who.get(`/api/drafts?limit=200&q=${encodeURIComponent(q)}`)).body.items.map(({ id }: { id: string }) => id);

  it('finds a part of the subject, the body or the recipient, in any case, and no earlier revision', async () => {
    const bySubject = await submit({ subject: 'Ärzte-Kongress 2027' });
    const byBody = await submit({ body: 'Bring the Umbrella_100% please' });
    const byRecipient = await submit({ to: 'grace.hopper@navy.example' });
    const late = await submit({ body: `${'x'.repeat(20_000)}too-late` });
    expect(await found('ÄRZTE-kon')).toEqual([bySubject.id]);
    expect(await found('umbrella_100%')).toEqual([byBody.id]);
    expect(await found('umbrella_1__%')).toEqual([]);
    expect(await found('hopper@NAVY')).toEqual([byRecipient.id]);
    expect(await found('too-late')).not.toContain(late.id);
    await author.put(`/api/drafts/${byBody.id}`).set('If-Match', '"1"').send({ body: 'Bring nothing' });
    expect(await found('umbrella')).toEqual([]);
    expect(await found('bring nothing')).toEqual([byBody.id]);
    const other = await api.person('another agent', 'author');
    expect(await found('hopper@navy', other)).toEqual([]);
  });

  it('needs three characters', async () => {
    const { status, body } = await approver.get('/api/drafts?q=ab');
    expect([status, body.errors]).toEqual([400, [{ path: 'q', message: 'must have 3 characters or more' }]]);
  });

  it('reads an index, not every draft', async () => {
    await sql('ANALYZE drafts; ANALYZE revisions');
    const plan = async (statement: string) =>
      (await sql(`SET enable_seqscan = off; EXPLAIN ${statement}`)) as unknown as { rows: Record<string, string>[] }[];
    const [, words] = await plan(
      `SELECT 1 FROM revisions x WHERE (x.subject || E'\\n' || left(x.body, 20000)) ILIKE '%umbrella%'`,
    );
    const [, to] = await plan(`SELECT 1 FROM drafts y WHERE lower(y."to") LIKE '%hopper%'`);
    await sql('SET enable_seqscan = on');
    expect(JSON.stringify(words?.rows)).toContain('revisions_search_idx');
    expect(JSON.stringify(to?.rows)).toContain('drafts_to_search_idx');
  });
});

describe('a statement that takes too long', () => {
  const SHORT_MS = 500;

  it('is cancelled and answered 503, with what happened; so is a transaction that expired', async () => {
    const { db, pool, close } = createDatabase({ ...SMALL_POOL, DATABASE_URL: api.database.url }, SHORT_MS);
    const slow = await TestApi.create({ database: { db, pool, url: api.database.url, drop: close } });
    const reader = await slow.person('a reader', 'approver');
    const blocker = await api.database.pool.connect();
    await blocker.query('BEGIN; LOCK TABLE revisions IN ACCESS EXCLUSIVE MODE');
    const { status, body, headers } = await reader.get('/api/drafts');
    await blocker.query('ROLLBACK');
    blocker.release();
    expect([status, body, headers['retry-after']]).toEqual([503, problem('took-too-long', 503), '1']);
    expect((await reader.get('/api/drafts')).status).toBe(200);
    const expired = await db
      .$transaction(
        async (tx) => {
          await delay(SHORT_MS);
          await tx.draft.count();
        },
        { timeout: SHORT_MS / 5 },
      )
      .catch((error) => problemOf(error));
    expect(expired).toMatchObject({ code: 'took-too-long', status: 503 });
    await slow.close();
    await close();
  });
});
