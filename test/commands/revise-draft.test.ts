import type { CommandContext } from '../../activities/commands/context';
import type { DraftView } from '../../activities/commands/draft-view';
import { aDraft, createTestCommands, moveDeadline, refusalOf, setStatus, type TestCommands } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let test: TestCommands;
let author: CommandContext;
let approver: CommandContext;
let stranger: CommandContext;

beforeAll(async () => {
  database = await createTestDatabase();
  test = createTestCommands(database.db);
  author = await test.person('an agent', 'author');
  approver = await test.person('Ada', 'approver');
  stranger = await test.person('another agent', 'author');
});
afterAll(() => database.drop());

const submit = (changes = {}) => test.commands.submitDraft(author, aDraft(changes));
const revise = (draft: DraftView, changes: object, who = author) =>
  test.commands.reviseDraft(who, { id: draft.id, revision: draft.revision, ...changes });

describe('revising a draft', () => {
  it('makes a new revision and dismisses the approvals of the old one', async () => {
    const draft = await submit({ html: '<p>Here</p>' });
    await test.commands.approveDraft(approver, { id: draft.id, revision: 1 });
    const revised = await revise(draft, { subject: 'Other minutes' });
    expect(revised).toMatchObject({
      status: 'pending_review',
      revision: 2,
      subject: 'Other minutes',
      body: draft.body,
      html: '<p>Here</p>',
    });
    expect(revised.decision.approvals).toEqual([]);
    const [verdict] = await database.db.verdict.findMany({ where: { draftId: draft.id } });
    expect(verdict?.dismissedAt).toBeInstanceOf(Date);
  });

  it('keeps the words of every revision as they were', async () => {
    const draft = await submit();
    await revise(draft, { body: 'Other words.' });
    const revisions = await database.db.revision.findMany({
      where: { draftId: draft.id },
      orderBy: { revision: 'asc' },
    });
    expect(revisions.map(({ body }) => body)).toEqual([draft.body, 'Other words.']);
    expect(revisions[0]?.contentHash).not.toEqual(revisions[1]?.contentHash);
  });

  it('takes html and the send time away with null', async () => {
    const draft = await submit({ html: '<p>x</p>', sendAt: '2030-01-01T00:00:00.000Z' });
    const revised = await revise(draft, { html: null, sendAt: null });
    expect(revised).toMatchObject({ html: null, sendAt: null });
  });

  it('lets the deadline run anew from the revision', async () => {
    const draft = await submit();
    await moveDeadline(database.db, draft.id, '10 seconds');
    const revised = await revise(draft, { body: 'Anew.' });
    const left = Date.parse(revised.expiresAt as string) - Date.now();
    expect(left).toBeGreaterThan(71.9 * 3_600_000);
    expect(left).toBeLessThan(72.1 * 3_600_000);
  });

  it.each(['approved', 'scheduled', 'changes_requested'])('leads a draft that is %s back to review', async (status) => {
    const draft = await submit();
    await setStatus(database.db, draft.id, status);
    expect(await revise(draft, { body: 'Anew.' })).toMatchObject({ status: 'pending_review', dueAt: null });
  });

  it.each(['rejected', 'expired', 'withdrawn', 'sending', 'sent', 'failed', 'blocked'])(
    'refuses a draft that is %s',
    async (status) => {
      const draft = await submit();
      await setStatus(database.db, draft.id, status);
      expect(await refusalOf(revise(draft, { body: 'Anew.' }))).toBe('wrong_state');
    },
  );

  it('refuses a stale revision and changes nothing', async () => {
    const draft = await submit();
    await revise(draft, { body: 'Second.' });
    expect(await refusalOf(revise(draft, { body: 'Lost update.' }))).toBe('stale_revision');
    const row = await database.db.draft.findUniqueOrThrow({ where: { id: draft.id } });
    expect(row.revision).toBe(2);
  });

  it('lets one of many parallel edits of one revision win', async () => {
    const draft = await submit();
    const edits = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => revise(draft, { body: `edit ${i}` })));
    expect(edits.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await database.db.revision.count({ where: { draftId: draft.id } })).toBe(2);
  });

  it('refuses a draft whose deadline has passed, as nothing may come back from that', async () => {
    const draft = await submit();
    await moveDeadline(database.db, draft.id, '-1 millisecond');
    expect(await refusalOf(revise(draft, { body: 'Late.' }))).toBe('deadline_passed');
  });

  it('shows nobody that somebody else has a draft', async () => {
    const draft = await submit();
    expect(await refusalOf(revise(draft, { body: 'Mine now.' }, stranger))).toBe('not_found');
    expect((await revise(draft, { body: 'A better word.' }, approver)).revision).toBe(2);
  });

  it('sends a draft that policy approved to a person once somebody has changed it', async () => {
    await test.commands.setPolicy(test.admin, {
      mode: 'active',
      rules: [{ name: 'sure', when: { confidence: { gte: 0.9 } }, then: { outcome: 'auto_approve' } }],
      otherwise: { outcome: 'require' },
    });
    const draft = await submit({ confidence: 0.95, sendAt: '2030-01-01T00:00:00.000Z' });
    expect(draft.workflowId).toBeNull();
    const revised = await revise(draft, { body: 'Changed.' });
    expect(revised).toMatchObject({ status: 'pending_review', workflowId: `draft-${draft.id}` });
    expect(await refusalOf(test.commands.withdrawDraft(stranger, { id: draft.id }))).toBe('not_found');
    const approved = await test.commands.approveDraft(approver, { id: draft.id, revision: 2 });
    expect(approved.status).toBe('approved');
  });
});
