import { connect } from 'node:net';
import type TestAgent from 'supertest/lib/agent';
import { problemOf } from '../../api/problems';
import { createApiServer } from '../../api/server';
import { aDraft } from '../support/commands';
import { openTestDatabase } from '../support/database';
import { CONNECTIONS, problem, TestApi } from './test-api';

let api: TestApi;
let author: TestAgent;
beforeAll(async () => {
  api = await TestApi.create();
  author = await api.person('an agent', 'author');
});
afterAll(() => api?.close());

const draft = () => author.post('/api/drafts');

describe('a request that cannot be taken is told why', () => {
  it.each([
    ['JSON that is none', 'malformed-body', 400, () => draft().type('json').send('{"to":')],
    ['JSON that is no object', 'invalid-request', 400, () => draft().type('json').send('[]')],
    [
      'a body that cannot be inflated',
      'malformed-request',
      400,
      () => draft().type('json').set('Content-Encoding', 'gzip').send('{}'),
    ],
    [
      'an unknown content encoding',
      'unsupported-media-type',
      415,
      () => draft().type('json').set('Content-Encoding', 'x').send('{}'),
    ],
    [
      'another charset',
      'unsupported-media-type',
      415,
      () => draft().type('application/json; charset=latin1').send('{}'),
    ],
    ['another content type', 'unsupported-media-type', 415, () => draft().type('text/plain').send('{}')],
    ['a text for an object', 'malformed-body', 400, () => draft().type('json').send('"x"')],
    ['a form', 'unsupported-media-type', 415, () => draft().type('form').send('to=x')],
    ['a body over 1 MiB', 'too-large', 413, () => draft().send(aDraft({ body: 'x'.repeat(1024 * 1024) }))],
    ['an unknown field', 'invalid-request', 400, () => draft().send({ ...aDraft(), colour: 'blue' })],
    ['no body', 'invalid-request', 400, () => draft()],
    ['an unknown route', 'not-found', 404, () => author.get('/api/nothing')],
    ['an unknown route outside of /api', 'not-found', 404, () => author.post('/nothing')],
    ['a route with a slash at its end', 'not-found', 404, () => author.get('/api/drafts/')],
    ['an unknown id', 'not-found', 404, () => author.get('/api/drafts/01a20d18-0000-7000-8000-000000000000')],
    ['an id that is none', 'not-found', 404, () => author.get("/api/drafts/1'--")],
    ['a path that is not validly encoded', 'malformed-request', 400, () => author.get('/api/drafts/%E0%A4%A')],
    [
      'an unknown session',
      'unauthenticated',
      401,
      () => api.anyone.get('/api/drafts').set('Cookie', 'countersign_session=x'),
    ],
    ['no credentials', 'unauthenticated', 401, () => api.anyone.get('/api/drafts')],
    [
      'a wrong key',
      'unauthenticated',
      401,
      () => api.anyone.get('/api/drafts').set('Authorization', 'Bearer cs_wrong'),
    ],
    ['another scheme', 'unauthenticated', 401, () => api.anyone.get('/api/drafts').set('Authorization', 'Basic eDp5')],
    ['a missing role', 'missing-role', 403, () => author.get('/api/keys')],
    ['a missing CSRF token', 'csrf-token', 403, () => api.anyone.post('/api/workflows/123/approve')],
  ])('%s', async (_what, code, status, ask) => {
    const answer = await ask();
    expect([answer.status, answer.type, answer.body]).toEqual([
      status,
      'application/problem+json',
      problem(code, status),
    ]);
    expect(answer.body.requestId).toBe(answer.headers['x-request-id']);
    expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|\.ts:|\\n/);
    const { body } = await api.anyone.get(answer.body.type);
    expect(body).toMatchObject({ type: answer.body.type, status });
  });

  it.each([
    ['delete', '/api/drafts', 'POST, GET, HEAD'],
    ['patch', '/api/drafts/01a20d18-0000-7000-8000-000000000000', 'GET, HEAD, PUT'],
    ['put', '/api/drafts/123/approve', 'POST'],
    ['post', '/health', 'GET, HEAD'],
    ['delete', '/api/attachments', 'POST'],
    ['get', '/api/auth/login', 'POST'],
    ['get', '/api/drafts/decisions', 'POST'],
    ['put', '/api/drafts/decisions', 'POST'],
  ] as const)('%s %s does not exist: 405 with Allow', async (method, path, allow) => {
    const { status, body, headers } = await author[method](path);
    expect([status, body, headers.allow]).toEqual([405, problem('method-not-allowed', 405), allow]);
  });

  it('OPTIONS tells the methods of a route', async () => {
    const { status, headers } = await api.anyone.options('/api/drafts/decisions');
    expect([status, headers.allow]).toEqual([204, 'POST']);
    expect((await api.anyone.options('/nothing')).body).toEqual(problem('not-found', 404));
  });

  it('what nobody expected is told without its reasons, which only the log and Sentry know', async () => {
    const failing = await TestApi.create({
      database: api.database,
      commands: (commands) => ({ ...commands, setPolicy: () => Promise.reject(new TypeError('secret@example.org')) }),
    });
    const { status, body } = await failing.admin
      .put('/api/policy')
      .send({ mode: 'active', rules: [], otherwise: { outcome: 'require' } });
    expect([status, body]).toEqual([500, problem('internal-error', 500)]);
    expect(failing.reported).toEqual([expect.any(TypeError)]);
    const line = failing.log.find((one) => one.includes(body.requestId)) ?? '';
    expect(JSON.parse(line)).toMatchObject({ route: '/api/policy', status: 500, err: { type: 'TypeError' } });
    expect(failing.log.join('') + JSON.stringify(body)).not.toContain('secret@');
    await failing.close();
  });
});

describe('what is no HTTP request the parser takes', () => {
  async function say(text: string): Promise<string> {
    const { server, listen, cutOff } = createApiServer(api.app, CONNECTIONS);
    await listen({ host: '127.0.0.1', port: 0 });
    const { port } = server.address() as { port: number };
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    cutOff();
    return Buffer.concat(chunks).toString();
  }

  it('an expectation that nobody knows is passed over', async () => {
    const head = await say('GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: a-miracle\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1.1 200 .*X-Request-Id/s);
  });

  it.each([
    [
      'a header too long',
      `GET /health HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
      'header-too-large',
      431,
    ],
    ['nonsense', 'nonsense\r\n\r\n', 'malformed-request', 400],
    ['a request without a host', 'GET /health HTTP/1.1\r\n\r\n', 'malformed-request', 400],
    [
      'two lengths of one body',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      'malformed-request',
      400,
    ],
  ])('%s', async (_what, text, code, status) => {
    const [head = '', body = ''] = (await say(text)).split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toContain('Content-Type: application/problem+json');
    expect(head).toMatch(/X-Request-Id: [0-9a-f-]{36}/);
    expect(JSON.parse(body)).toEqual(problem(code, status));
  });
});

describe('what fails for a while', () => {
  const ofPostgres = (originalCode: string) =>
    Object.assign(new Error('Raw query failed.'), {
      code: 'P2010',
      meta: { driverAdapterError: { cause: { kind: 'postgres', originalCode } } },
    });
  it.each([
    ['a deadlock', ofPostgres('40P01'), 'too-many-changes'],
    ['a disk of the database without room', ofPostgres('53100'), 'database-unavailable'],
    ['a database that starts up', ofPostgres('57P03'), 'database-unavailable'],
    ['a disk without room for an upload', Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }), 'files-unavailable'],
  ])('%s is a 503 that says when to come back', (_what, error, code) => {
    const { status, more, ...told } = problemOf(error);
    expect([status, told.code, more.headers, more.cause]).toEqual([503, code, { 'Retry-After': '1' }, error]);
  });
});

describe('without a database', () => {
  it('says so, with 503 and when to come back, wherever it is needed', async () => {
    const away = openTestDatabase('postgresql://postgres@127.0.0.1:9/nothing');
    const without = await TestApi.create({ database: away });
    for (const ask of [
      without.admin.get('/api/policy'),
      without.admin.get('/api/keys'),
      without.admin.post('/api/keys').send({ name: 'x', roles: ['author'] }),
      without.anyone.get('/api/drafts').set('Authorization', 'Bearer cs_any'),
      without.anyone.get('/api/circuit-breakers/status'),
    ]) {
      const { status, body, headers } = await ask;
      expect([status, body, headers['retry-after']]).toEqual([503, problem('database-unavailable', 503), '1']);
    }
    expect((await without.anyone.get('/openapi.json')).status).toBe(200);
    await without.close();
    await away.drop();
  });
});
