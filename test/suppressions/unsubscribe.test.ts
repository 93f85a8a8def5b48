import { createSubjects } from '../../activities/personal-data/subject';
import { createUnsubscribeTokens } from '../../activities/personal-data/unsubscribe-token';
import { problem, TestApi } from '../api/test-api';
import { SETTINGS } from '../support/commands';

const ADDRESS = 'zebrafinch@example.org';
const KEYS = SETTINGS.SECRET_KEY;
const hashOf = (keys: readonly Buffer[]) => createSubjects(keys).hashesOf(ADDRESS)[0] as Uint8Array;
const tokens = createUnsubscribeTokens(KEYS);
const token = tokens.tokenFor(hashOf(KEYS));
const path = `/unsubscribe/${token}`;

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.create();
});
afterEach(() => api?.close());

const suppressions = () => api.database.db.suppression.findMany({ include: { hashes: true } });
const isSuppressed = async () => {
  const hashes = createSubjects(KEYS).hashesOf(ADDRESS);
  const [row] = await api.database.db.$queryRaw<[{ yes: boolean }]>`SELECT is_suppressed(${hashes}::bytea[]) AS yes`;
  return row.yes;
};

describe('one click', () => {
  it.each([
    [
      'the form that RFC 8058 sends',
      (url: string) => api.anyone.post(url).type('form').send('List-Unsubscribe=One-Click'),
    ],
    ['the same as multipart', (url: string) => api.anyone.post(url).field('List-Unsubscribe', 'One-Click')],
    ['no body', (url: string) => api.anyone.post(url)],
  ])('with %s is answered at once and suppresses the address, kept as a hash alone', async (_name, post) => {
    const { status, headers, text } = await post(path);
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect([headers.location, headers['set-cookie']]).toEqual([undefined, undefined]);
    expect(text).toMatch(/no more mail/);
    expect(await suppressions()).toMatchObject([{ kind: 'unsubscribed', email: null, reason: null }]);
    expect(await isSuppressed()).toBe(true);
  });

  it('counts once, however often it comes', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => api.anyone.post(path)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(await suppressions()).toHaveLength(1);
    const events = await api.database.db.auditEvent.findMany({ where: { type: 'suppression.added' } });
    expect(events).toMatchObject([{ subject: 'suppression', data: { kind: 'unsubscribed' } }]);
  });

  it('outlasts what an admin had suppressed by hand', async () => {
    const manual = (await api.admin.post('/api/suppressions').send({ email: ADDRESS, reason: 'bounced' })).body;
    await api.anyone.post(path);
    expect((await api.admin.delete(`/api/suppressions/${manual.id}`)).status).toBe(204);
    expect(await isSuppressed()).toBe(true);
  });

  it('is nobody in particular, also in a browser that is logged in', async () => {
    const { key } = await api.keyFor('Ada', 'approver');
    const browser = api.browser();
    await browser.post('/api/auth/login').send({ key });
    expect((await browser.post(path)).status).toBe(200);
    const [event] = await api.database.db.auditEvent.findMany({
      where: { type: 'suppression.added' },
    });
    const actor = await api.database.db.principal.findUniqueOrThrow({ where: { id: event?.actorId as string } });
    expect(actor.name).toBe('countersign:system');
  });
});

describe('the page', () => {
  it('asks before anything changes, with one button and no script', async () => {
    const { status, headers, text } = await api.anyone.get(path);
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toBe(
      "default-src 'none';base-uri 'none';form-action 'self';frame-ancestors 'none'",
    );
    expect(text).toMatch(/<form method="post"><button>/);
    expect(text).not.toMatch(/<script|<style| style=| on\w+=|https?:/);
    expect(text).not.toContain(token);
    expect(await suppressions()).toEqual([]);
    expect((await api.anyone.head(path)).status).toBe(200);
  });
});

describe('a token that is none of ours', () => {
  const hash = hashOf(KEYS);
  const otherHash = createSubjects(KEYS).hashesOf('somebody@example.org')[0] as Uint8Array;
  const mac = Buffer.from(token, 'base64url').subarray(32);
  const wrong: [string, string][] = [
    ['words', 'nothing'],
    ['an address', encodeURIComponent(ADDRESS)],
    ['a hash alone', Buffer.from(hash).toString('base64url')],
    ['a hash with a made-up signature', Buffer.concat([hash, Buffer.alloc(16, 1)]).toString('base64url')],
    ["another's hash with this signature", Buffer.concat([otherHash, mac]).toString('base64url')],
    ['a token of another key', createUnsubscribeTokens([Buffer.alloc(32, 9)]).tokenFor(hash)],
    ['a token with more behind it', `${token}A`],
    ['a token that is cut short', token.slice(0, -1)],
    ['a token with padding', `${token.slice(0, -1)}=`],
  ];
  it.each(wrong)('like %s is not found, and changes nothing', async (_name, given) => {
    for (const answer of [
      await api.anyone.get(`/unsubscribe/${given}`),
      await api.anyone.post(`/unsubscribe/${given}`),
    ])
      expect([answer.status, answer.body]).toEqual([404, problem('not-found', 404)]);
    expect(await suppressions()).toEqual([]);
  });

  it('is any with a single character changed', () => {
    expect(tokens.hashIn(token)).toEqual(hash);
    for (let i = 0; i < token.length; i++) {
      const changed = token.slice(0, i) + (token[i] === 'A' ? 'B' : 'A') + token.slice(i + 1);
      expect(tokens.hashIn(changed)).toBeNull();
    }
  });
});

it('a token works after its key was rotated, as long as the key is kept', async () => {
  const [old] = KEYS as [Buffer];
  const fresh = Buffer.alloc(32, 8);
  expect(createUnsubscribeTokens([fresh, old]).hashIn(token)).toEqual(hashOf([old]));
  expect(createUnsubscribeTokens([fresh]).hashIn(token)).toBeNull();
  expect(createUnsubscribeTokens([fresh, old]).tokenFor(hashOf([fresh]))).toHaveLength(64);
});

it('neither token nor address goes into a log, a metric or the audit trail, whatever is answered', async () => {
  const answers = [
    await api.anyone.get(path),
    await api.anyone.post(path),
    await api.anyone.put(path).set('Authorization', 'Bearer x'),
    await api.anyone.get(`${path}/more`),
    await api.anyone.post(`${path}x`),
    await api.admin.post('/api/suppressions').send({ email: ADDRESS, reason: ADDRESS }),
    await api.admin.delete('/api/suppressions').send({ email: ADDRESS }),
    await api.admin.delete(`/api/suppressions/${ADDRESS}`),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 404, 404, 200, 204, 404]);
  const audit = await api.database.db.auditEvent.findMany({ omit: { position: true } });
  const told = (api.log.join('') + (await api.registry.metrics()) + JSON.stringify(audit)).toLowerCase();
  expect(told).not.toContain(token.toLowerCase());
  expect(told).not.toContain(token.slice(0, 20).toLowerCase());
  expect(told).not.toContain('zebrafinch');
  expect(api.log.map((line) => JSON.parse(line).route)).toContain('/unsubscribe/:token');
});
