// `/api/ops/*` on a host that backs up and restores, with the database there and away.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Registry } from 'prom-client';
import type TestAgent from 'supertest/lib/agent';
import { uuidv7 } from 'uuidv7';
import { type Manifest, manifestKey, toSetId, writeManifest } from '../../activities/backup/manifest';
import { recordKey } from '../../activities/restore/records';
import { readArchivingRecord } from '../../ops/pgbackrest/archiving-record';
import { readConfiguration } from '../../ops/runtime/configuration';
import { createLogger } from '../../ops/runtime/logging';
import { openObjectStore } from '../../ops/runtime/object-store';
import { putSigned } from '../../ops/runtime/signed-store';
import { createSigner } from '../../ops/runtime/signing';
import { keepArchiving } from '../../worker/archiving';
import { NOBODY, problem, TestApi } from '../api/test-api';
import { RestoredService } from '../restore/restored-service';
import { openBackups } from '../support/backups';
import { openTestDatabase } from '../support/database';
import { createTestNamespace } from '../support/temporal';
import { until } from '../support/until';

const NO_SET = 'must be latest, the id of a set like 20260123T180000Z, or an s3:// URL without `@`, `?` and `#`';

let service: RestoredService;
let api: TestApi;
let ops: TestAgent;
let folder: string;
/** Of the backup that a test has made. */
let setId: string;
beforeAll(async () => {
  service = await RestoredService.start();
  const { database, temporal, environment } = service.base;
  const { address, namespace } = temporal;
  folder = fileURLToPath(environment.BACKUP_URL as string);
  const settings = { SECRET_KEY: readConfiguration(environment).SECRET_KEY };
  api = await TestApi.create({
    database,
    settings,
    backups: pathToFileURL(folder).href,
    temporal: { address, namespace },
  });
  ops = await api.person('Olga', 'ops');
  await until('a worker has the tools', async () => (await ops.get('/api/ops/backups')).status === 200);
});
afterAll(async () => {
  await api?.close();
  await service?.close();
});

interface Answer {
  headers: Record<string, string>;
}
const eventsOf = async ({ headers }: Answer) => {
  const where = { requestId: headers['x-request-id'] as string };
  const events = await api.database.db.auditEvent.findMany({ where, orderBy: { position: 'asc' } });
  return events.map(({ type, subjectId, data }) => ({ type, subjectId, data }));
};
const settled = (path: string, status: string) =>
  until(`${path} is ${status}`, async () => {
    const { body } = await ops.get(path);
    return body.status === status && body;
  });

async function plantSet(day: number): Promise<string> {
  const at = new Date(Date.UTC(2026, 0, day, 18));
  const manifest: Manifest = {
    format: 1,
    id: toSetId(at),
    kind: 'full',
    startedAt: at.toISOString(),
    finishedAt: new Date(at.getTime() + 60_000).toISOString(),
    release: '0.1.0',
    schema: '',
    audit: null,
    ledger: 0,
    rows: {},
    postgres: null,
    redis: { key: 'sets/x/redis', size: 300, sha256: '0'.repeat(64), keys: 4 },
    files: { key: 'sets/x/files', size: 50, sha256: '0'.repeat(64), files: 2, bytes: 7_000 },
  };
  const signer = createSigner(api.settings.SECRET_KEY, 'backups');
  await writeManifest(openObjectStore(pathToFileURL(folder).href), signer, manifest);
  return manifest.id;
}

/** The worker of this file runs without its monitor of archiving, by which alone the API knows that segments arrive. */
async function recordArchiving(): Promise<void> {
  const { environment } = service.base;
  const stopping = new AbortController();
  const logger = createLogger('worker', 'silent');
  const settings = readConfiguration(environment);
  const kept = keepArchiving({ settings, registry: new Registry(), logger }, stopping.signal);
  const backups = openObjectStore(settings.BACKUP_URL);
  await until('a segment was read back', async () => (await readArchivingRecord(backups))?.state === 'ok');
  stopping.abort();
  await kept;
}

describe('backups', () => {
  it('are asked for, show how far they are, and are written down', async () => {
    const asked = await ops.post('/api/ops/backups').send({ kind: 'incr', parts: ['postgres'] });
    expect([asked.status, asked.body]).toEqual([
      202,
      { id: expect.stringMatching(/^\d{8}T\d{6}Z$/), status: 'accepted' },
    ]);
    const { id } = asked.body;
    setId = id;
    const location = asked.headers.location as string;
    expect(location).toBe(`/api/ops/backups/${id}`);
    expect(await eventsOf(asked)).toEqual([
      { type: 'backup.requested', subjectId: null, data: { setId: id, kind: 'incr', parts: ['postgres'] } },
    ]);
    const running = await until('its beat is told', async () => {
      const { body } = await ops.get(location);
      return body.beat?.unit === 'bytes' && body;
    });
    expect(running).toMatchObject({
      id,
      status: 'running',
      beat: { done: expect.any(Number), total: expect.any(Number), unit: 'bytes' },
      result: null,
    });
    expect(running.steps.at(-1)).toEqual({ step: 'postgres', startedAt: expect.any(String), finishedAt: null });
    await until('it is listed', async () => (await ops.get('/api/ops/backups')).body.items[0]?.id === id);
    expect(await settled(location, 'done')).toMatchObject({
      result: { kind: 'full', walChecked: expect.any(Number) },
      problem: null,
    });
  });

  it.each([
    [{ kind: 'diff' }, 'kind', 'must be full or incr'],
    [{ parts: [] }, 'parts', 'must name one part or more'],
    [{ parts: ['redis', 'redis'] }, 'parts', 'must name each part once'],
    [{ parts: ['disk'] }, 'parts.0', 'must be one of postgres, redis, files'],
  ])('refuse %j and name the field', async (body, path, message) => {
    const { status, body: said } = await ops.post('/api/ops/backups').send(body);
    expect([status, said.errors]).toEqual([400, [{ path, message }]]);
  });

  it('that are not there are 404, and nobody else may ask', async () => {
    for (const id of ['20200101T000000Z', 'nonsense'])
      expect((await ops.get(`/api/ops/backups/${id}`)).body).toEqual(problem('not-found', 404));
    const author = await api.person('an agent', 'author');
    expect((await author.get('/api/ops/backups')).body).toEqual(problem('missing-role', 403));
    expect((await author.post('/api/ops/restores').send({})).body).toEqual(problem('missing-role', 403));
  });
});

describe('restores', () => {
  it('wait for the word, one at a time; then drafts are reconciled', async () => {
    const seconds = Math.ceil(Date.now() / 1000);
    await until('that second has passed', () => Date.now() > (seconds + 1) * 1000);
    const time = new Date(seconds * 1000).toISOString().replace('.000Z', '+00:00');
    await service.base.submitForReview('later@example.org');
    const asked = await ops.post('/api/ops/restores').send({ time });
    expect(asked.status).toBe(202);
    const { id } = asked.body;
    const path = `/api/ops/restores/${id}`;
    const [event] = await eventsOf(asked);
    expect(event).toEqual({ type: 'restore.requested', subjectId: id, data: { from: 'latest', time, dryRun: false } });
    expect(await settled(path, 'awaiting_confirmation')).toMatchObject({
      id,
      result: { plan: { to: 'time', timeline: 1 } },
      record: null,
    });
    const other = await ops.post('/api/ops/restores').send({ dryRun: true });
    expect([other.status, other.body.type]).toEqual([409, '/problems/restore-running']);
    expect((await ops.post(`${path}/reconcile`).send({})).body).toEqual(problem('wrong-state', 409));
    const confirmed = await ops.post(`${path}/confirm`);
    expect([confirmed.status, await eventsOf(confirmed)]).toEqual([
      202,
      [{ type: 'restore.confirmed', subjectId: id, data: {} }],
    ]);
    await settled(path, 'done');
    const late = await ops.post(`${path}/abort`);
    expect([late.body, await eventsOf(late)]).toEqual([
      problem('wrong-state', 409),
      [{ type: 'restore.refused', subjectId: id, data: { act: 'aborted', code: 'wrong-state' } }],
    ]);
    expect((await ops.get(`${path}/lost`)).body).toMatchObject({ complete: true, drafts: [{ is: null }] });
    expect((await ops.post(`${path}/reconcile`).send({})).status).toBe(202);
    const settledTo = await until('it is reconciled', async () => {
      const { body } = await ops.get(path);
      return body.reconciliation?.status === 'done' && body;
    });
    expect(settledTo).toMatchObject({ reconciliation: { result: { drafts: 1 } }, record: { state: 'reconciled' } });
  });

  it('are given up, and are listed with those that Temporal has forgotten', async () => {
    const { body } = await until('the first is over', async () => {
      const answer = await ops.post('/api/ops/restores').send({ from: setId });
      return answer.status === 202 && answer;
    });
    const path = `/api/ops/restores/${body.id}`;
    await settled(path, 'awaiting_confirmation');
    expect((await ops.post(`${path}/abort`)).status).toBe(202);
    await settled(path, 'aborted');
    const forgotten = '018bcfe5-6800-7000-8000-000000000000';
    const forged = '018bcfe5-6800-7000-8000-000000000001';
    await putSigned(openBackups(pathToFileURL(folder).href), recordKey(forgotten), { state: 'accepted' });
    writeFileSync(join(folder, recordKey(forged)), '{"state":"accepted"}');
    const { items } = (await ops.get('/api/ops/restores')).body;
    expect(items.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining([body.id, forgotten]));
    expect((await ops.get(`/api/ops/restores/${forgotten}`)).body).toMatchObject({
      status: 'unknown',
      record: { state: 'accepted' },
    });
    expect((await ops.get(`/api/ops/restores/${forged}`)).status).toBe(404);
    for (const id of [forgotten, forged]) rmSync(join(folder, recordKey(id)));
  });

  it.each([
    [{ from: 'file:///etc' }, 'from', NO_SET],
    [{ from: 's3://key:secret@bucket/sets/20260123T180000Z' }, 'from', NO_SET],
    [{ from: 's3://bucket/ada%40customer.example/20260123T180000Z' }, 'from', NO_SET],
    [{ time: '2026-01-23 18:00' }, 'time', 'must be a time in ISO 8601 with its offset, like 2026-01-23T21:58:28Z'],
    [{ time: '2999-01-01T00:00:00Z' }, 'time', 'has not come yet'],
    [{ time: '2026-01-01T00:00:00Z', before: 'x' }, 'before', 'is given together with `time`: one or the other'],
  ])('refuse %j and name the field', async (body, path, message) => {
    const { status, body: said } = await ops.post('/api/ops/restores').send(body);
    expect([status, said.errors]).toEqual([400, [{ path, message }]]);
  });

  it('that are not there are 404', async () => {
    for (const [method, path] of [
      ['get', ''],
      ['get', '/lost'],
      ['post', '/confirm'],
      ['post', '/abort'],
    ] as const)
      expect((await ops[method](`/api/ops/restores/${uuidv7()}${path}`)).body).toEqual(problem('not-found', 404));
  });
});

it('drills are asked for, and their reports listed, newest first', async () => {
  const { status, headers, body } = await ops.post('/api/ops/drills');
  expect([status, headers.location]).toEqual([202, `/api/ops/drills/${body.id}`]);
  const { result } = await settled(`/api/ops/drills/${body.id}`, 'done');
  expect(result).toMatchObject({ outcome: 'PROVEN', plan: { setId } });
  for (const id of ['20260101T000000Z', '20260108T000000Z'])
    writeFileSync(join(folder, 'drills', `${id}.json`), JSON.stringify({ proven: true }));
  const { items, nextCursor } = (await ops.get('/api/ops/drills')).body;
  expect(items[0]).toMatchObject({ report: { report: { outcome: 'PROVEN' } } });
  expect([items.slice(1), nextCursor]).toEqual([
    ['20260108T000000Z', '20260101T000000Z'].map((id) => ({ id, report: { proven: true } })),
    null,
  ]);
});

it('backups are listed from their manifests, newest first, page by page, and one that is not signed by us shows as broken', async () => {
  const ids = [await plantSet(3), await plantSet(2), await plantSet(1)];
  const broken = '20251231T000000Z';
  mkdirSync(join(folder, 'sets', broken));
  writeFileSync(join(folder, manifestKey(broken)), '{}');
  await recordArchiving();
  const first = await ops.get('/api/ops/backups?limit=3');
  const second = await ops.get(`/api/ops/backups?limit=3&cursor=${first.body.nextCursor}`);
  const items = [...first.body.items, ...second.body.items];
  expect(items.map(({ id, status }) => [id, status])).toEqual([
    ...[setId, ...ids].map((id) => [id, 'done']),
    [broken, 'broken'],
  ]);
  expect(items[1]).toEqual({
    id: ids[0],
    status: 'done',
    kind: 'full',
    parts: ['redis', 'files'],
    startedAt: '2026-01-03T18:00:00.000Z',
    finishedAt: '2026-01-03T18:01:00.000Z',
    size: 7_300,
    stored: 350,
  });
  expect(second.body.nextCursor).toBeNull();
  expect(second.body.archiving).toMatchObject({ state: 'ok', reason: null });
  expect((await ops.get(`/api/ops/backups/${ids[1]}`)).body).toMatchObject({
    status: 'done',
    size: 7_300,
    steps: [],
  });
});

describe('where it cannot be done', () => {
  it('tells the remedy where no worker has the tools, and writes the refusal down', async () => {
    const other = await createTestNamespace();
    const { address, namespace } = other;
    const own = await TestApi.create({ database: api.database, temporal: { address, namespace } });
    for (const answer of [await own.admin.get('/api/ops/backups'), await own.admin.post('/api/ops/drills')]) {
      expect([answer.body, answer.headers['retry-after']]).toEqual([problem('backups-unavailable', 503), '30']);
      expect(answer.body.detail).toContain('apt install pgbackrest');
    }
    const refused = await own.admin.post('/api/ops/backups').send({});
    expect(await eventsOf(refused)).toMatchObject([
      { type: 'backup.refused', data: { act: 'requested', code: 'backups-unavailable' } },
    ]);
    await own.close();
    await other.close();
  });

  it('says that Temporal is away', async () => {
    const own = await TestApi.create({ database: api.database, temporal: { address: NOBODY } });
    for (const path of ['/api/ops/backups', '/api/ops/restores', `/api/ops/restores/${uuidv7()}`])
      expect((await own.admin.get(path)).body).toEqual(problem('processes-unavailable', 503));
    expect((await own.admin.post('/api/ops/restores').send({})).body).toEqual(problem('processes-unavailable', 503));
    await own.close();
  });

  it('works for the admin token while the database is away', async () => {
    const nowhere = openTestDatabase('postgresql://nobody@127.0.0.1:9/nothing');
    const own = await TestApi.create({
      database: nowhere,
      backups: pathToFileURL(folder).href,
      temporal: { address: service.base.temporal.address, namespace: service.base.temporal.namespace },
    });
    const asked = await own.admin.post('/api/ops/backups').send({ parts: ['files'] });
    expect(asked.status).toBe(202);
    expect(own.log.join('')).toContain('this is not in the audit trail');
    const listed = await own.admin.get('/api/ops/backups');
    expect([listed.status, listed.body.archiving]).toEqual([
      200,
      { state: 'unknown', reason: 'database_away', oldestWaitingSeconds: null },
    ]);
    expect((await own.admin.get(asked.headers.location as string)).status).toBe(200);
    expect((await own.admin.get('/api/ops/restores')).status).toBe(200);
    await own.close();
    await nowhere.drop();
  });
});
