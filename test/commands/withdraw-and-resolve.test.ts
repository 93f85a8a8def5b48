import { listDraftEvents } from '../../activities/commands/audit';
import type { CommandContext } from '../../activities/commands/context';
import { aDraft, createTestCommands, refusalOf, setStatus, type TestCommands, timeline } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let test: TestCommands;
let author: CommandContext;
let approver: CommandContext;

beforeAll(async () => {
  database = await createTestDatabase();
  test = createTestCommands(database.db, { UNDO_WINDOW_SECONDS: 60 });
  author = await test.person('an agent', 'author');
  approver = await test.person('Ada', 'approver');
});
afterAll(() => database.drop());

const submitted = async (status?: string, outcome: string | null = null) => {
  const draft = await test.commands.submitDraft(author, aDraft());
  if (status) await setStatus(database.db, draft.id, status, outcome);
  return draft;
};

describe('withdrawing a draft', () => {
  it.each([undefined, 'changes_requested', 'approved', 'scheduled'])('works while it is %s', async (status) => {
    const draft = await submitted(status);
    const withdrawn = await test.commands.withdrawDraft(author, { id: draft.id, reason: 'no longer true' });
    expect(withdrawn).toMatchObject({ status: 'withdrawn', dueAt: null });
    const row = await database.db.draft.findUniqueOrThrow({ where: { id: draft.id } });
    expect(row.nextAttemptAt).toBeNull();
  });

  it('takes a draft back that the lane has claimed and not yet opened', async () => {
    const draft = await submitted('scheduled');
    const claimOwner = '0197a000-0000-7000-8000-000000000001';
    await database.db.draft.update({ where: { id: draft.id }, data: { claimOwner, nextAttemptAt: new Date() } });
    await test.commands.withdrawDraft(author, { id: draft.id });
    const row = await database.db.draft.findUniqueOrThrow({ where: { id: draft.id } });
    expect(row).toMatchObject({ status: 'withdrawn', claimOwner: null });
  });

  it.each(['sending', 'sent', 'failed', 'blocked'])('is too late when it is %s', async (status) => {
    const draft = await submitted(status);
    expect(await refusalOf(test.commands.withdrawDraft(author, { id: draft.id }))).toBe('send_begun');
  });

  it.each(['rejected', 'expired'])('is refused when it is %s', async (status) => {
    const draft = await submitted(status);
    expect(await refusalOf(test.commands.withdrawDraft(author, { id: draft.id }))).toBe('wrong_state');
  });

  it('answers the same when it is repeated, with one event', async () => {
    const draft = await submitted();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => test.commands.withdrawDraft(author, { id: draft.id })),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await timeline(database.db, draft.id)).toEqual(['submitted', 'withdrawn']);
  });

  it('shows the reason in the timeline and keeps it out of the audit trail', async () => {
    const draft = await submitted();
    await test.commands.withdrawDraft(author, { id: draft.id, reason: 'wrong person' });
    const events = await listDraftEvents(database.db, draft.id, { limit: 10 });
    expect(events.at(-1)).toMatchObject({ type: 'draft.withdrawn', by: 'an agent', data: { comment: 'wrong person' } });
    const stored = await database.db.auditEvent.findMany({ where: { subjectId: draft.id } });
    expect(JSON.stringify(stored.map(({ data }) => data))).not.toContain('wrong');
  });
});

describe('resolving a parked draft', () => {
  it('closes it where the mail did arrive', async () => {
    const draft = await submitted('failed', 'unknown');
    const resolved = await test.commands.resolveDraft(approver, { id: draft.id, as: 'sent', reason: 'they answered' });
    expect(resolved).toMatchObject({ status: 'sent', outcome: 'delivered', failure: null });
    expect(resolved.sentAt).not.toBeNull();
    const message = await database.db.outboxMessage.findFirst({ where: { entityId: draft.id } });
    expect(message).toMatchObject({ message: { status: 'sent' } });
  });

  it('makes it due again at once where it did not', async () => {
    const draft = await submitted('failed', 'unknown');
    const resolved = await test.commands.resolveDraft(approver, {
      id: draft.id,
      as: 'not_sent',
      reason: 'not in the log',
    });
    expect(resolved).toMatchObject({ status: 'scheduled', outcome: null, failure: null });
    expect(test.announced.at(-1)?.mailDue).toBe(true);
    const row = await database.db.draft.findUniqueOrThrow({ where: { id: draft.id } });
    expect(row.nextAttemptAt).toBeInstanceOf(Date);
    expect(row.claimOwner).toBeNull();
    const [event] = await database.db.auditEvent.findMany({ where: { subjectId: draft.id, type: 'draft.resolved' } });
    expect(event).toMatchObject({ actorId: approver.actor.id, data: { as: 'not_sent' } });
  });

  it('lets one of two contrary resolutions win', async () => {
    const draft = await submitted('failed', 'unknown');
    const both = await Promise.allSettled(
      (['sent', 'not_sent'] as const).map((as) =>
        test.commands.resolveDraft(approver, { id: draft.id, as, reason: 'x' }),
      ),
    );
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it.each([
    ['failed', 'refused'],
    ['sent', 'delivered'],
    ['scheduled', null],
    ['pending_review', null],
  ])('refuses a draft that is %s with outcome %s', async (status, outcome) => {
    const draft = await submitted(status, outcome);
    const resolve = test.commands.resolveDraft(approver, { id: draft.id, as: 'sent', reason: 'x' });
    expect(await refusalOf(resolve)).toBe('not_parked');
  });
});

describe('an erased draft', () => {
  it('takes no command any more', async () => {
    const draft = await submitted('erased');
    const { commands } = test;
    const { id } = draft;
    expect(await refusalOf(commands.approveDraft(approver, { id, revision: 1 }))).toBe('erased');
    expect(await refusalOf(commands.withdrawDraft(author, { id }))).toBe('erased');
    expect(await refusalOf(commands.resolveDraft(approver, { id, as: 'sent', reason: 'x' }))).toBe('erased');
  });
});
