// The routes of releases and rollbacks: who may ask, what is refused and why, and what is recorded.
import type TestAgent from 'supertest/lib/agent';
import { uuidv7 } from 'uuidv7';
import { noteCurrent, registerRelease } from '../../activities/releases/registry';
import { NewRollback, Release } from '../../api/schemas/releases';
import { rollbackWorkflowId } from '../../workflows/contracts/rollback';
import { ProcessAttribute } from '../../workflows/contracts/search-attributes';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { describeBuild } from '../releases/release-folders';
import { startIdleWorker } from '../support/idle-worker';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { problem, TestApi } from './test-api';

const VERSIONS = ['1.0.0', '1.1.0', '1.2.0'];

let temporal: TestNamespace;
let api: TestApi;
let ops: TestAgent;
/** Without it nobody carries out a rollback; its workflow stays open, since it only polls for activities. */
let endHost: (() => Promise<void>) | null = null;
beforeAll(async () => {
  temporal = await createTestNamespace();
  api = await TestApi.create({ temporal });
  ops = await api.person('Olga', 'ops');
  for (const version of VERSIONS) {
    await registerRelease(api.database.db, describeBuild(version));
    await noteCurrent(api.database.db, version, 'draining');
  }
});
afterAll(async () => {
  await endHost?.();
  await api?.close();
  await temporal?.close();
});

const post = (body: object = {}) => ops.post('/api/ops/rollbacks').send(body);
const eventsOf = async ({ headers }: { headers: Record<string, string> }) => {
  const where = { requestId: headers['x-request-id'] as string };
  const events = await api.database.db.auditEvent.findMany({ where, orderBy: { position: 'asc' } });
  return events.map(({ type, subjectId, data }) => ({ type, subjectId, data }));
};
const handle = (id: string) => temporal.client.workflow.getHandle(rollbackWorkflowId(id));
const untilNoneRuns = () =>
  until('no rollback is listed as running', async () => {
    const query = `WorkflowType = 'rollback' AND ExecutionStatus = 'Running'`;
    return (await temporal.client.workflow.count(query)).count === 0;
  });

describe('releases', () => {
  it('are listed newest first, with their states', async () => {
    const { status, body } = await ops.get('/api/ops/releases');
    expect(status).toBe(200);
    expect(body.nextCursor).toBeNull();
    expect(body.items.map(({ version, state }: Record<string, string>) => [version, state])).toEqual([
      ['1.2.0', 'current'],
      ['1.1.0', 'draining'],
      ['1.0.0', 'draining'],
    ]);
    expect(body.items.map((item: unknown) => Release.parse(item))).toEqual(body.items);
  });

  it('come page by page, also those that were registered in one moment', async () => {
    await api.database.pool.query('UPDATE releases SET registered_at = now()');
    const seen: string[] = [];
    let query = '?limit=1';
    for (let page = 0; page < 3; page++) {
      const { body } = await ops.get(`/api/ops/releases${query}`);
      seen.push(...body.items.map(({ version }: { version: string }) => version));
      query = `?limit=1&cursor=${body.nextCursor}`;
      expect(body.nextCursor === null).toBe(page === 2);
    }
    expect(seen).toEqual([...VERSIONS].reverse());
  });

  it.each([
    ['a cursor that is none', '?cursor=x'],
    ['a cursor of another list', `?cursor=${Buffer.from(JSON.stringify(uuidv7())).toString('base64url')}`],
    ['a cursor with a path', `?cursor=${Buffer.from('[1,"../x"]').toString('base64url')}`],
    ['a limit of nothing', '?limit=0'],
    ['an unknown parameter', '?state=current'],
  ])('refuse %s', async (_what, query) => {
    const { status, body } = await ops.get(`/api/ops/releases${query}`);
    expect([status, body]).toEqual([400, expect.objectContaining({ status: 400 })]);
  });
});

describe('the roles for releases and rollbacks', () => {
  const ROUTES = [
    ['get', '/api/ops/releases'],
    ['get', '/api/ops/rollbacks'],
    ['post', '/api/ops/rollbacks'],
    ['get', `/api/ops/rollbacks/${uuidv7()}`],
    ['post', `/api/ops/rollbacks/${uuidv7()}/abort`],
  ] as const;

  it.each(ROUTES)('refuse %s %s to authors and approvers, and to nobody in particular', async (method, path) => {
    const [author, approver] = [await api.person('an agent', 'author'), await api.person('Ada', 'approver')];
    for (const person of [author, approver])
      expect((await person[method](path)).body).toEqual(problem('missing-role', 403));
    // Without a credential a browser lacks the token against forged requests first.
    expect([401, 403]).toContain((await api.anyone[method](path)).status);
  });

  it('let admins and operators list', async () => {
    const admin = await api.person('Grace', 'admin');
    for (const person of [admin, ops, api.admin]) {
      expect((await person.get('/api/ops/rollbacks')).body).toEqual({ items: [], nextCursor: null });
    }
  });
});

describe('a request for a rollback', () => {
  it.each([
    [{ version: '../x' }, 'version', 'must be a version such as 1.2.3 or v1.2.3'],
    [{ version: '' }, 'version', 'must be a version such as 1.2.3 or v1.2.3'],
    [{ version: 'a'.repeat(66) }, 'version', 'must be a version such as 1.2.3 or v1.2.3'],
    [{ version: '1.0.0\n' }, 'version', 'must be a version such as 1.2.3 or v1.2.3'],
    [{ version: 1 }, 'version', 'must be a version such as 1.2.3 or v1.2.3'],
    [{ dryRun: 'yes' }, 'dryRun', 'must be true or false'],
    [{ reason: 'x'.repeat(2001) }, 'reason', expect.any(String)],
    [{ reason: '' }, 'reason', expect.any(String)],
    [{ reason: 'a\0b' }, 'reason', expect.any(String)],
    [{ yes: true }, 'yes', expect.any(String)],
  ])('is refused with %j, and names the field', async (body, path, message) => {
    const { status, body: said } = await post(body);
    expect([status, said.errors]).toEqual([400, [{ path, message }]]);
  });

  it('is answered 503 with the remedy where nobody could carry it out, and nothing is recorded', async () => {
    const answer = await post({ reason: 'It is broken' });
    expect([answer.status, answer.body, answer.headers['retry-after']]).toEqual([
      503,
      problem('releases-unavailable', 503),
      '30',
    ]);
    expect(answer.body.detail).toContain('RELEASES_DRIVER');
    expect(await eventsOf(answer)).toEqual([]);
    expect(await api.database.db.operatorNote.count()).toBe(0);
  });

  it('is answered 503 while Temporal is away; the registry is read without it', async () => {
    const away = await TestApi.create({ database: api.database });
    expect((await away.admin.post('/api/ops/rollbacks').send({})).body).toEqual(problem('processes-unavailable', 503));
    expect((await away.admin.get('/api/ops/rollbacks')).body).toEqual(problem('processes-unavailable', 503));
    expect((await away.admin.get('/api/ops/releases')).body.items).toHaveLength(3);
    await away.close();
  });

  it('as its example shows it is valid', () => {
    expect(NewRollback.parse(NewRollback.meta()?.example)).toEqual({ version: '1.2.3', reason: expect.any(String) });
    expect(Release.parse(Release.meta()?.example)).toEqual(Release.meta()?.example);
  });
});

describe('a rollback', () => {
  let id: string;
  beforeAll(async () => {
    endHost = await startIdleWorker(temporal, TASK_QUEUES.releases);
    // A new namespace knows its search attributes a moment later.
    await until('processes can be started', () =>
      temporal.client.workflow
        .start('nothing', {
          workflowId: 'nothing',
          taskQueue: 'nobody',
          typedSearchAttributes: [{ key: ProcessAttribute, value: 'nothing' }],
        })
        .then(
          (started) => started.terminate().then(() => true),
          () => null,
        ),
    );
  });

  it('is accepted, recorded with its reason as a note of the operator, and started under its id', async () => {
    const reason = '500s on POST /api/drafts since 14:02';
    const answer = await post({ version: 'v1.1.0', reason });
    id = answer.body.id;
    expect([answer.status, answer.body, answer.headers.location]).toEqual([
      202,
      { id, status: 'accepted' },
      `/api/ops/rollbacks/${id}`,
    ]);
    expect(await eventsOf(answer)).toEqual([{ type: 'rollback.requested', subjectId: id, data: { to: '1.1.0' } }]);
    const { body: note } = await ops.get(`/api/circuit-breakers/notes/${id}`);
    expect(note).toMatchObject({ id, service: 'releases', act: 'rollback.requested', by: 'Olga', text: reason });
    const { items } = (await ops.get('/api/circuit-breakers/notes?service=releases')).body;
    expect(items).toHaveLength(1);
    const history = JSON.stringify((await handle(id).fetchHistory()).events);
    const started = JSON.parse(history)[0].workflowExecutionStartedEventAttributes;
    const [input] = started.input.payloads;
    expect(JSON.parse(Buffer.from(input.data, 'base64').toString())).toEqual({
      rollbackId: id,
      to: '1.1.0',
      yes: true,
    });
    expect(history).not.toContain(Buffer.from('500s on').toString('base64').slice(0, 8));
  });

  it('is shown and listed', async () => {
    const { status, body } = await ops.get(`/api/ops/rollbacks/${id}`);
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({ id, status: 'unknown', steps: [], result: null, problem: null, finishedAt: null }),
    ]);
    expect((await ops.get(`/api/ops/rollbacks/${id.toUpperCase()}`)).body.id).toBe(id);
    await until('it is listed', async () => (await ops.get('/api/ops/rollbacks')).body.items[0]?.id === id);
  });

  it('keeps a second one, and a rehearsal, from being asked for', async () => {
    for (const body of [{}, { dryRun: true }]) {
      const answer = await post(body);
      expect(answer.body).toEqual(problem('rollback-running', 409));
      expect(answer.body.detail).toContain(rollbackWorkflowId(id));
      expect(await eventsOf(answer)).toEqual([]);
    }
  });

  it('is told to give up, and who asked for that is recorded', async () => {
    const answer = await ops.post(`/api/ops/rollbacks/${id}/abort`);
    expect([answer.status, answer.body]).toEqual([202, { id, status: 'accepted' }]);
    expect(await eventsOf(answer)).toEqual([{ type: 'rollback.aborted', subjectId: id, data: {} }]);
    const { events } = await handle(id).fetchHistory();
    const signals = events?.map((event) => event.workflowExecutionSignaledEventAttributes?.signalName).filter(Boolean);
    expect(signals).toEqual(['abort']);
  });

  it('that has ended can’t be given up, and the refusal is recorded', async () => {
    await handle(id).terminate('the test says so');
    await untilNoneRuns();
    const answer = await ops.post(`/api/ops/rollbacks/${id}/abort`);
    expect(answer.body).toEqual(problem('wrong-state', 409));
    expect(await eventsOf(answer)).toEqual([
      { type: 'rollback.refused', subjectId: id, data: { act: 'aborted', code: 'wrong-state' } },
    ]);
    expect((await ops.get(`/api/ops/rollbacks/${id}`)).body).toMatchObject({
      status: 'failed',
      problem: { code: 'ended' },
    });
  });

  it('goes to the previous release unless a version is given, and leaves no note without a reason', async () => {
    const answer = await post({ dryRun: true });
    expect(await eventsOf(answer)).toMatchObject([{ type: 'rollback.requested', data: { to: 'previous' } }]);
    expect((await ops.get(`/api/circuit-breakers/notes/${answer.body.id}`)).status).toBe(404);
    const { items } = (await ops.get('/api/ops/rollbacks')).body;
    expect(items.length).toBeGreaterThan(0);
    await handle(answer.body.id).terminate('the test says so');
  });

  it.each(['nonsense', '..%2Fx', uuidv7(), "1'--"])('that is not there (%s) is 404', async (unknown) => {
    for (const [method, path] of [
      ['get', `/api/ops/rollbacks/${unknown}`],
      ['post', `/api/ops/rollbacks/${unknown}/abort`],
    ] as const) {
      expect((await ops[method](path)).body).toEqual(problem('not-found', 404));
    }
  });
});
