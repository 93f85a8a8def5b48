import type TestAgent from 'supertest/lib/agent';
import { aDraft } from '../support/commands';
import { problem, TestApi } from './test-api';

let api: TestApi;
let author: TestAgent;
beforeAll(async () => {
  api = await TestApi.create();
  author = await api.person('an agent', 'author');
});
afterAll(() => api?.close());

it('a file is uploaded by an author, named by their draft, and read by its approver', async () => {
  const uploaded = await author.post('/api/attachments').attach('file', Buffer.from('The minutes.'), 'minutes.txt');
  expect([uploaded.status, uploaded.headers.location]).toEqual([201, `/api/attachments/${uploaded.body.id}`]);
  const draft = await author.post('/api/drafts').send(aDraft({ attachments: [uploaded.body.id] }));
  expect(draft.body.attachments).toEqual([uploaded.body]);
  const approver = await api.person('Ada', 'approver');
  const { text, headers } = await approver.get(`/api/attachments/${uploaded.body.id}`);
  expect([text, headers['content-disposition']]).toEqual(['The minutes.', expect.stringContaining('minutes.txt')]);
  const other = await api.person('another agent', 'author');
  expect((await other.get(`/api/attachments/${uploaded.body.id}`)).body).toEqual(problem('not-found', 404));
  const stolen = await other.post('/api/drafts').send(aDraft({ attachments: [uploaded.body.id] }));
  expect([stolen.status, stolen.body.errors[0].path]).toEqual([400, 'attachments.0']);
});

it.each([
  ['no form', 'unsupported-media-type', 415, () => author.post('/api/attachments').send({})],
  ['nothing', 'invalid-request', 400, () => author.post('/api/attachments')],
  ['a form without a file', 'invalid-request', 400, () => author.post('/api/attachments').field('file', 'x')],
  [
    'a file over 10 MiB',
    'too-large',
    413,
    () => author.post('/api/attachments').attach('file', Buffer.alloc(10 * 1024 * 1024 + 1), 'x'),
  ],
  [
    'a file many times as large',
    'too-large',
    413,
    () => author.post('/api/attachments').attach('file', Buffer.alloc(50 * 1024 * 1024), 'x'),
  ],
] as const)('an upload that is %s is refused with a problem', async (_what, code, status, ask) => {
  const answer = await ask();
  expect([answer.status, answer.body]).toEqual([status, problem(code, status)]);
});
