// The files of one author fill nobody else's room.

import { problem, TestApi } from '../api/test-api';
import { createTestCommands } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  database = await createTestDatabase();
  const { commands } = createTestCommands(database.db, { ATTACHMENT_QUOTA_MB: 1 });
  api = await TestApi.create({ database, commands: () => commands });
});
afterAll(async () => {
  await api.close();
  await database.drop();
});

const file = (bytes: number, n: number) => Buffer.alloc(bytes, `file ${n} `);
const stored = () => database.db.attachment.count();

it('is refused past its quota with the remedy, also if it uploads at once, and leaves others theirs', async () => {
  const author = await api.person('an agent', 'author');
  const upload = async (n: number, bytes = 150_000) => {
    const { status, body } = await author.post('/api/attachments').attach('file', file(bytes, n), `${n}.txt`);
    return { status, body };
  };
  const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => upload(n)));
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array(6).fill(201), ...Array(6).fill(413)]);
  expect(answers.find(({ status }) => status === 413)?.body).toEqual(problem('quota-exceeded', 413));
  expect(answers.find(({ status }) => status === 413)?.body.detail).toContain('ATTACHMENT_QUOTA_MB');
  expect(await stored()).toBe(6);
  // What still fits is taken; what is full refuses before it reads.
  expect((await upload(20, 100_000)).status).toBe(201);
  expect((await upload(21, 9_000_000)).status).toBe(413);

  const other = await api.person('another agent', 'author');
  expect((await other.post('/api/attachments').attach('file', file(1_000, 30), 'a.txt')).status).toBe(201);

  await database.db.attachment.deleteMany({ where: { name: '20.txt' } });
  expect((await upload(22, 100_000)).status).toBe(201);
});
