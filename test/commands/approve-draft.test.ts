import type { CommandContext } from '../../activities/commands/context';
import {
  aDraft,
  createTestCommands,
  moveDeadline,
  refusalOf,
  setStatus,
  type TestCommands,
  timeline,
} from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let test: TestCommands;
let [author, approver, other]: CommandContext[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  test = createTestCommands(database.db);
  author = await test.person('an agent', 'author', 'approver');
  approver = await test.person('Ada', 'approver');
  other = await test.person('Ben', 'approver');
});
afterAll(() => database.drop());

const submit = () => test.commands.submitDraft(author as CommandContext, aDraft());
const approve = (who: CommandContext | undefined, id: string, revision = 1) =>
  test.commands.approveDraft(who as CommandContext, { id, revision });

describe('approving a draft', () => {
  it('approves the revision that was looked at, and tells the process', async () => {
    const draft = await submit();
    const approved = await test.commands.approveDraft(approver as CommandContext, {
      id: draft.id,
      revision: 1,
      comment: 'well put',
    });
    expect(approved).toMatchObject({ status: 'approved', revision: 1, workflowId: `draft-${draft.id}` });
    expect(approved.decision.approvals).toEqual([
      { by: 'Ada', at: expect.any(String), revision: 1, comment: 'well put' },
    ]);
    expect(test.announced.at(-1)?.told).toBe(true);
    const message = await database.db.outboxMessage.findFirst({ where: { entityId: draft.id } });
    expect(message).toMatchObject({
      process: 'draftApproval',
      version: 2,
      message: { status: 'approved', version: 2, revision: 1 },
    });
  });

  it('tells the one process of the draft, however its id was written', async () => {
    const { id } = await submit();
    await approve(approver, id.toUpperCase());
    expect(await database.db.outboxMessage.findMany({ where: { entityId: id } })).toMatchObject([
      { entityId: id, message: { status: 'approved' } },
    ]);
  });

  it('leaves what was written beside the decision out of the audit trail', async () => {
    const draft = await submit();
    await test.commands.approveDraft(approver as CommandContext, {
      id: draft.id,
      comment: 'a private remark',
      revision: 1,
    });
    const events = await database.db.auditEvent.findMany({ where: { subjectId: draft.id } });
    expect(JSON.stringify(events.map(({ data, type, subject }) => ({ data, type, subject })))).not.toContain('private');
  });

  it('refuses the author, and records the attempt', async () => {
    const draft = await submit();
    expect(await refusalOf(approve(author, draft.id))).toBe('four_eyes');
    expect(await timeline(database.db, draft.id)).toEqual(['submitted', 'refused:four_eyes']);
  });

  it('refuses whoever edited the draft, also after somebody else edited it again', async () => {
    const draft = await submit();
    const revise = (who: CommandContext | undefined, revision: number) =>
      test.commands.reviseDraft(who as CommandContext, { id: draft.id, revision, body: `edited at ${revision}` });
    await revise(approver, 1);
    expect(await refusalOf(approve(approver, draft.id))).toBe('four_eyes');
    await revise(author, 2);
    expect(await refusalOf(approve(approver, draft.id))).toBe('four_eyes');
    expect((await approve(other, draft.id, 3)).status).toBe('approved');
  });

  it('refuses a revision that is no longer current', async () => {
    const draft = await submit();
    await test.commands.reviseDraft(author as CommandContext, { id: draft.id, revision: 1, subject: 'New minutes' });
    expect(await refusalOf(approve(approver, draft.id, 1))).toBe('stale_revision');
    expect((await approve(approver, draft.id, 2)).status).toBe('approved');
  });

  it('refuses an approval that comes one millisecond after the deadline, with nothing having run', async () => {
    const draft = await submit();
    await moveDeadline(database.db, draft.id, '-1 millisecond');
    expect(await refusalOf(approve(approver, draft.id))).toBe('deadline_passed');
    const row = await database.db.draft.findUniqueOrThrow({ where: { id: draft.id } });
    expect(row).toMatchObject({ status: 'pending_review', version: 1 });
    expect(await timeline(database.db, draft.id)).toEqual(['submitted', 'refused:deadline_passed']);
  });

  it('takes an approval just before the deadline', async () => {
    const draft = await submit();
    await moveDeadline(database.db, draft.id, '10 seconds');
    expect((await approve(approver, draft.id)).status).toBe('approved');
  });

  it('answers 50 identical parallel approvals alike, with one event', async () => {
    const draft = await submit();
    const before = test.announced.length;
    const answers = await Promise.all(Array.from({ length: 50 }, () => approve(approver, draft.id, 1)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.status).toBe('approved');
    expect(await timeline(database.db, draft.id)).toEqual(['submitted', 'approved']);
    expect(await database.db.verdict.count({ where: { draftId: draft.id } })).toBe(1);
    expect(test.announced.slice(before)).toHaveLength(1);
  });

  it('answers a repeat alike while the draft goes on to be sent, but not once somebody has withdrawn it', async () => {
    const { id } = await submit();
    const first = await approve(approver, id);
    await test.commands.releaseDraft(id);
    expect(await approve(approver, id)).toEqual(first);
    for (const status of ['sending', 'sent']) {
      await setStatus(database.db, id, status, status === 'sent' ? 'delivered' : null);
      expect(await approve(approver, id)).toEqual(first);
    }
    const undone = await submit();
    await approve(approver, undone.id);
    await test.commands.releaseDraft(undone.id);
    await test.commands.withdrawDraft(author as CommandContext, { id: undone.id });
    expect((await approve(approver, undone.id)).status).toBe('withdrawn');
  });

  it('lets the first of many different decisions win, and refuses all others', async () => {
    const draft = await submit();
    const people = await Promise.all(Array.from({ length: 12 }, (_, i) => test.person(`judge ${i}`, 'approver')));
    const outcomes = await Promise.allSettled(
      people.map((person, i) =>
        i % 2 ? approve(person, draft.id) : test.commands.rejectDraft(person, { id: draft.id, reason: 'no' }),
      ),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.map(({ reason }) => reason.code)).toEqual(Array(11).fill('already_decided'));
    const types = await timeline(database.db, draft.id);
    expect(types.filter((type) => type === 'approved' || type === 'rejected')).toHaveLength(1);
    expect(types.filter((type) => type === 'refused:already_decided')).toHaveLength(11);
  });

  it('refuses another decision of the same person after the first', async () => {
    const draft = await submit();
    await approve(approver, draft.id);
    const reject = test.commands.rejectDraft(approver as CommandContext, {
      id: draft.id,
      reason: 'on second thoughts',
    });
    expect(await refusalOf(reject)).toBe('already_decided');
    expect((await approve(approver, draft.id)).status).toBe('approved');
  });

  it('knows no draft that does not exist', async () => {
    expect(await refusalOf(approve(approver, '0197a000-0000-7000-8000-000000000000'))).toBe('not_found');
  });
});

describe('rejecting and asking for changes', () => {
  it('rejects for good', async () => {
    const draft = await submit();
    const rejected = await test.commands.rejectDraft(approver as CommandContext, { id: draft.id, reason: 'not ours' });
    expect(rejected.status).toBe('rejected');
    const again = await test.commands.rejectDraft(approver as CommandContext, { id: draft.id, reason: 'not ours' });
    expect(again).toEqual(rejected);
    const revise = test.commands.reviseDraft(author as CommandContext, { id: draft.id, revision: 1, body: 'please' });
    expect(await refusalOf(revise)).toBe('wrong_state');
  });

  it('lets the author reject a draft of their own: only approval needs four eyes', async () => {
    const draft = await submit();
    const rejected = await test.commands.rejectDraft(author as CommandContext, { id: draft.id, reason: 'a mistake' });
    expect(rejected.status).toBe('rejected');
  });

  it('asks for changes, after which only a revision leads back to a decision', async () => {
    const draft = await submit();
    const asked = await test.commands.requestChanges(approver as CommandContext, { id: draft.id, comment: 'shorter' });
    expect(asked.status).toBe('changes_requested');
    expect(await refusalOf(approve(other, draft.id))).toBe('already_decided');
    const revised = await test.commands.reviseDraft(author as CommandContext, {
      id: draft.id,
      revision: 1,
      body: 'Short.',
    });
    expect(revised).toMatchObject({ status: 'pending_review', revision: 2, body: 'Short.' });
    expect((await approve(approver, draft.id, 2)).status).toBe('approved');
    expect(await timeline(database.db, draft.id)).toEqual([
      'submitted',
      'changes_requested',
      'refused:already_decided',
      'revised',
      'approved',
    ]);
  });
});
