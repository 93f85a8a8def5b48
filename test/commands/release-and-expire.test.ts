import type { CommandContext } from '../../activities/commands/context';
import { aDraft, createTestCommands, moveDeadline, type TestCommands, timeline } from '../support/commands';
import { asSuperuser, createTestDatabase, type TestDatabase } from '../support/database';

const NOBODY = '0197a000-0000-7000-8000-000000000000';

let database: TestDatabase;
let test: TestCommands;
let author: CommandContext;
let approver: CommandContext;

beforeAll(async () => {
  database = await createTestDatabase();
  test = createTestCommands(database.db);
  author = await test.person('an agent', 'author');
  approver = await test.person('Ada', 'approver');
});
afterAll(() => database.drop());

const approved = async (changes = {}) => {
  const draft = await test.commands.submitDraft(author, aDraft(changes));
  return test.commands.approveDraft(approver, { id: draft.id, revision: 1 });
};

describe('releasing a draft', () => {
  it('makes an approved draft due at once, once', async () => {
    const draft = await approved();
    const answers = await Promise.all(Array.from({ length: 10 }, () => test.commands.releaseDraft(draft.id)));
    expect(answers[0]).toMatchObject({ status: 'scheduled', version: 3 });
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(test.announced.at(-1)?.mailDue).toBe(true);
    expect(await timeline(database.db, draft.id)).toEqual(['submitted', 'approved', 'released']);
  });

  it('keeps the undo window, and a later send time', async () => {
    const patient = createTestCommands(database.db, { UNDO_WINDOW_SECONDS: 60 }).commands;
    const soon = await patient.releaseDraft((await approved()).id);
    expect(Date.parse(soon?.dueAt as string) - Date.now()).toBeGreaterThan(55_000);
    const sendAt = '2031-05-01T08:00:00.000Z';
    const later = await patient.releaseDraft((await approved({ sendAt })).id);
    expect(later?.dueAt).toBe(sendAt);
  });

  it('does not wait for a send time that has passed', async () => {
    const released = await test.commands.releaseDraft((await approved({ sendAt: '2020-01-01T00:00:00.000Z' })).id);
    expect(Date.parse(released?.dueAt as string)).toBeGreaterThan(Date.parse('2026-01-01'));
    expect(test.announced.at(-1)?.mailDue).toBe(true);
  });

  it('changes nothing where the draft is not approved, and knows none that is gone', async () => {
    const draft = await test.commands.submitDraft(author, aDraft());
    expect(await test.commands.releaseDraft(draft.id)).toMatchObject({ status: 'pending_review', version: 1 });
    expect(await test.commands.releaseDraft(NOBODY)).toBeNull();
  });
});

describe('expiring a draft', () => {
  it('waits for the deadline by the database’s clock', async () => {
    const draft = await test.commands.submitDraft(author, aDraft());
    expect(await test.commands.expireDraft(draft.id)).toMatchObject({ status: 'pending_review' });
    await moveDeadline(database.db, draft.id, '-1 millisecond');
    expect(await test.commands.expireDraft(draft.id)).toMatchObject({ status: 'expired', version: 2 });
    expect(await test.commands.expireDraft(draft.id)).toMatchObject({ status: 'expired', version: 2 });
    expect(await timeline(database.db, draft.id)).toEqual(['submitted', 'expired']);
  });

  it('leaves a decided draft alone, however long ago its deadline was', async () => {
    const draft = await approved();
    await moveDeadline(database.db, draft.id, '-1 day');
    expect(await test.commands.expireDraft(draft.id)).toMatchObject({ status: 'approved' });
    expect(await test.commands.expireDraft(NOBODY)).toBeNull();
  });

  it('never lets both an approval and the expiry win', async () => {
    const drafts = await Promise.all(Array.from({ length: 20 }, () => test.commands.submitDraft(author, aDraft())));
    await Promise.all(
      drafts.map(async ({ id }, i) => {
        await moveDeadline(database.db, id, `${i} milliseconds`);
        const both = [test.commands.approveDraft(approver, { id, revision: 1 }), test.commands.expireDraft(id)];
        await Promise.allSettled(both);
        await test.commands.expireDraft(id);
        const ends = (await timeline(database.db, id)).filter((type) => ['approved', 'expired'].includes(type));
        expect(ends.length).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('the audit trail', () => {
  it('can neither be changed nor shortened', async () => {
    await approved();
    const statements = ['UPDATE audit_events SET type = type', 'DELETE FROM audit_events', 'TRUNCATE audit_events'];
    for (const statement of statements) {
      await expect(asSuperuser(database, statement)).rejects.toThrow(/append-only/);
    }
  });
});
