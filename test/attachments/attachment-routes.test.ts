import { createHash, randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import express, { type ErrorRequestHandler, type Express } from 'express';
import supertest from 'supertest';
import { attachmentKey } from '../../activities/attachments';
import type { CommandContext } from '../../activities/commands/context';
import { Refusal } from '../../activities/commands/refusal';
import { FileTooLarge } from '../../activities/received-file';
import { attachmentsRouter } from '../../api/routes/attachments';
import { type ObjectStore, openObjectStore } from '../../ops/runtime/object-store';
import { collect } from '../support/collect';
import { createTestCommands } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { newFolder } from '../support/environment';

let database: TestDatabase;
let files: ObjectStore;
let people: Record<string, CommandContext>;
let app: Express;

beforeAll(async () => {
  database = await createTestDatabase();
  files = openObjectStore(pathToFileURL(newFolder('attachments')).href);
  const { commands, person } = createTestCommands(database.db);
  people = {
    author: await person('an agent', 'author'),
    other: await person('another agent', 'author'),
    approver: await person('a reviewer', 'approver'),
    admin: await person('an operator', 'admin'),
  };
  const contextOf = (request: express.Request) => people[request.get('X-Test-Person') ?? ''] as CommandContext;
  const problems: ErrorRequestHandler = (error, _request, response, _next) => {
    const status =
      error instanceof FileTooLarge ? 413 : error instanceof Refusal && error.code === 'invalid' ? 400 : 404;
    response.status(error instanceof Error && status === 404 && !(error instanceof Refusal) ? 500 : status).json(error);
  };
  app = express()
    .use(
      attachmentsRouter({
        db: database.db,
        files,
        commands,
        contextOf,
        requireRole:
          (...roles) =>
          (request, response, next) =>
            contextOf(request).actor.roles.some((role) => roles.includes(role))
              ? next()
              : void response.sendStatus(403),
      }),
    )
    .use(problems);
});
afterAll(() => database.drop());

const upload = (content: Buffer, name: string, person = 'author') =>
  supertest(app).post('/api/attachments').set('X-Test-Person', person).attach('file', content, name);
const download = (id: string, person = 'author') =>
  supertest(app).get(`/api/attachments/${id}`).set('X-Test-Person', person).buffer(true).parse(asBytes);
const asBytes = (response: supertest.Response, done: (error: Error | null, body: Buffer) => void) => {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('end', () => done(null, Buffer.concat(chunks)));
};

describe('uploading an attachment', () => {
  it('answers what was stored, and where', async () => {
    const content = Buffer.from('The minutes.');
    const { status, body, headers } = await upload(content, 'minutes.pdf');
    expect([status, headers.location]).toEqual([201, `/api/attachments/${body.id}`]);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'minutes.pdf',
      type: 'text/plain',
      size: 12,
      sha256: createHash('sha256').update(content).digest('hex'),
    });
    expect(await files.has(attachmentKey(body.sha256))).toBe(true);
  });

  it('is for authors alone', async () => {
    expect((await upload(Buffer.from('x'), 'a', 'approver')).status).toBe(403);
    expect((await upload(Buffer.from('x'), 'a', 'admin')).status).toBe(403);
  });

  it('stores nothing of a form that is refused, its files before the fault included', async () => {
    const before = await collect(files.list('attachments/'));
    const content = randomBytes(32);
    const two = await upload(content, 'a').attach('file', content, 'b');
    const large = await upload(Buffer.alloc(10 * 1024 * 1024 + 1), 'a');
    expect([two.status, large.status]).toEqual([400, 413]);
    expect(two.body.errors).toEqual([{ path: 'file', message: 'must be one file' }]);
    expect(await collect(files.list('attachments/'))).toEqual(before);
    expect(await database.db.attachment.count({ where: { size: { in: [32, 10 * 1024 * 1024] } } })).toBe(0);
  });
});

describe('reading an attachment', () => {
  const content = randomBytes(300_000);
  let id: string;
  beforeAll(async () => {
    ({ id } = (await upload(content, 'Bericht für "März".bin')).body);
  });

  it.each(['author', 'approver'])(
    'gives its bytes to its %s, as a download that nothing shows or runs',
    async (person) => {
      const { status, body, headers } = await download(id, person);
      expect([status, Buffer.compare(body, content)]).toEqual([200, 0]);
      expect(headers).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-length': '300000',
        'content-security-policy': "sandbox; default-src 'none'",
        'x-content-type-options': 'nosniff',
        'cache-control': 'private, no-store',
      });
      expect(headers['content-disposition']).toMatch(
        /^attachment; filename="Bericht f\?r .*"; filename\*=UTF-8''Bericht%20f%C3%BCr/,
      );
    },
  );

  it.each([
    ['notes.txt', 'filename=notes.txt'],
    ['page.html', 'filename=page.html'],
    ['a b;c=d.txt', 'filename="a b;c=d.txt"'],
    ['a "b"\\c%.txt', 'filename="a \\"b\\"\\\\c%.txt"'],
    ['"; filename=b.exe; c="', 'filename="\\"; filename=b.exe; c=\\""'],
    ['100%41.txt', "filename=100%41.txt; filename*=UTF-8''100%2541.txt"],
    ["it's (1)*ö.txt", `filename="it's (1)*?.txt"; filename*=UTF-8''it%27s%20%281%29%2A%C3%B6.txt`],
    ['日本 📎.pdf', `filename="?? ??.pdf"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%20%F0%9F%93%8E.pdf`],
    ['a\r\nSet-Cookie: b', `filename="a??Set-Cookie: b"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20b`],
    ['../../a\tb', `filename="a?b"; filename*=UTF-8''a%09b`],
  ])('names it %j as RFC 6266 has it, and takes no type from the name', async (name, parameters) => {
    const { body } = await upload(Buffer.from('plain'), 'a');
    await database.db.attachment.update({ where: { id: body.id }, data: { name } });
    const { headers } = await download(body.id);
    expect(headers).toMatchObject({
      'content-disposition': `attachment; ${parameters}`,
      'content-type': 'text/plain; charset=utf-8',
    });
    expect(headers).not.toHaveProperty('set-cookie');
  });

  it('is told as not there to another author, and for an id that is none', async () => {
    expect((await download(id, 'other')).status).toBe(404);
    expect((await download('00000000-0000-7000-8000-00000000abcd')).status).toBe(404);
    expect((await download('none')).status).toBe(404);
    expect((await download(id, 'admin')).status).toBe(403);
  });

  it('answers HEAD without the bytes', async () => {
    const { status, headers } = await supertest(app).head(`/api/attachments/${id}`).set('X-Test-Person', 'author');
    expect([status, headers['content-length']]).toEqual([200, '300000']);
  });

  it('is a failure with no trace of the download where the bytes are gone', async () => {
    const { body } = await upload(Buffer.from('soon gone'), 'gone.txt');
    await files.delete(attachmentKey(body.sha256));
    const { status, headers } = await download(body.id);
    expect([status, headers['content-disposition']]).toEqual([500, undefined]);
  });
});
