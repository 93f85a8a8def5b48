// No request reads what others have written: with the content out of reach, all are answered.
import { TestApi } from '../api/test-api';
import { aDraft, createTestCommands } from '../support/commands';

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.create();
});
afterAll(() => api?.close());

const CONTENT = 'drafts, revisions, verdicts, notes, attachments, draft_attachments';

it('an erasure and an export are accepted while nobody can read a draft', async () => {
  const { commands, person } = createTestCommands(api.database.db, { SECRET_KEY: api.settings.SECRET_KEY });
  await commands.submitDraft(await person('an agent', 'author'), aDraft({ to: 'ada@customer.example' }));
  const holder = await api.database.pool.connect();
  await holder.query('BEGIN');
  await holder.query(`LOCK TABLE ${CONTENT} IN ACCESS EXCLUSIVE MODE`);
  try {
    const answers = [
      await api.admin.post('/api/gdpr/erasures').send({ email: 'ada@customer.example' }),
      await api.admin.delete('/api/gdpr/user/bob%40customer.example'),
      await api.admin.post('/api/gdpr/exports').send({ email: 'ada@customer.example' }),
      await api.admin.get('/api/gdpr/user/bob%40customer.example/export'),
      await api.admin.post('/api/gdpr/user/bob%40customer.example/export'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
  } finally {
    await holder.query('ROLLBACK');
    holder.release();
  }
});
