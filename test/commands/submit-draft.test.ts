import type { CommandContext } from '../../activities/commands/context';
import { readDraftView } from '../../activities/commands/draft-record';
import type { PolicyDocument } from '../../activities/commands/policy';
import { aDraft, createTestCommands, refusalOf, type TestCommands, timeline } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let test: TestCommands;
let author: CommandContext;
let other: CommandContext;

beforeAll(async () => {
  database = await createTestDatabase();
  test = createTestCommands(database.db);
  author = await test.person('an agent', 'author');
  other = await test.person('another agent', 'author');
});
afterAll(() => database.drop());

const POLICY: PolicyDocument = {
  mode: 'active',
  rules: [
    { name: 'sure', when: { confidence: { gte: 0.9 } }, then: { outcome: 'auto_approve' } },
    { name: 'never', when: { confidence: { lt: 0.1 } }, then: { outcome: 'reject' } },
    { name: 'soon', when: { confidence: 0.5 }, then: { outcome: 'require', deadlineHours: 2 } },
  ],
  otherwise: { outcome: 'require' },
};

describe('submitting a draft', () => {
  it('asks a person by default, leaves a message for its process, and says why', async () => {
    const draft = await test.commands.submitDraft(author, aDraft());
    expect(draft).toMatchObject({
      status: 'pending_review',
      revision: 1,
      author: 'an agent',
      workflowId: `draft-${draft.id}`,
      decision: { outcome: 'require', policyVersion: 1, required: 1, approvals: [] },
      outcome: null,
      failure: null,
    });
    expect(Date.parse(draft.expiresAt as string) - Date.parse(draft.createdAt)).toBe(72 * 3_600_000);
    // A relay's own look is soon enough, and not at once: a decision may come right after.
    expect(test.announced.at(-1)).toMatchObject({ told: false, mailDue: false });
    const message = await database.db.outboxMessage.findFirstOrThrow({ where: { entityId: draft.id } });
    expect(message).toMatchObject({ message: { version: 1, status: 'pending_review' } });
    expect(message.nextTry.getTime()).toBeGreaterThan(Date.parse(draft.createdAt) + 100);
    expect(await readDraftView(database.db, draft.id)).toEqual(draft);
  });

  it('answers the same draft for the same key and body, whatever has become of it', async () => {
    const input = aDraft({ idempotencyKey: 'once', metadata: { ticket: 7 } });
    const draft = await test.commands.submitDraft(author, input);
    await test.commands.withdrawDraft(author, { id: draft.id });
    const again = await test.commands.submitDraft(author, input);
    expect(again).toMatchObject({ id: draft.id, status: 'withdrawn' });
    expect(await timeline(database.db, draft.id)).toEqual(['submitted', 'withdrawn']);
  });

  it('answers the same draft though its metadata comes in another order', async () => {
    const submitted = aDraft({ idempotencyKey: 'ordered', metadata: { ticket: 7, order: { a: 1, b: [1, 2] } } });
    const draft = await test.commands.submitDraft(author, submitted);
    const again = aDraft({ idempotencyKey: 'ordered', metadata: { order: { b: [1, 2], a: 1 }, ticket: 7 } });
    expect((await test.commands.submitDraft(author, again)).id).toBe(draft.id);
    const other = aDraft({ idempotencyKey: 'ordered', metadata: { order: { b: [2, 1], a: 1 }, ticket: 7 } });
    expect(await refusalOf(test.commands.submitDraft(author, other))).toBe('idempotency_mismatch');
  });

  it('refuses another body under the same key', async () => {
    await test.commands.submitDraft(author, aDraft({ idempotencyKey: 'taken' }));
    const other = test.commands.submitDraft(author, aDraft({ idempotencyKey: 'taken', subject: 'Another' }));
    expect(await refusalOf(other)).toBe('idempotency_mismatch');
  });

  it('keeps the keys of two principals apart', async () => {
    const mine = await test.commands.submitDraft(author, aDraft({ idempotencyKey: 'shared' }));
    const theirs = await test.commands.submitDraft(other, aDraft({ idempotencyKey: 'shared' }));
    expect(theirs.id).not.toBe(mine.id);
  });

  it('makes one draft of 20 parallel submissions with one key', async () => {
    const submissions = Array.from({ length: 20 }, () =>
      test.commands.submitDraft(author, aDraft({ idempotencyKey: 'at the same time' })),
    );
    expect(new Set((await Promise.all(submissions)).map(({ id }) => id)).size).toBe(1);
  });

  it('names each attachment that is not the author’s own', async () => {
    const file = await test.commands.recordAttachment(other, {
      name: 'minutes.pdf',
      type: 'application/pdf',
      size: 3,
      sha256: 'a'.repeat(64),
    });
    const stolen = test.commands.submitDraft(author, aDraft({ attachments: [file.id] }));
    await expect(stolen).rejects.toMatchObject({ code: 'invalid', errors: [{ path: 'attachments.0' }] });
    const own = await test.commands.submitDraft(other, aDraft({ attachments: [file.id] }));
    expect(own.attachments).toEqual([file]);
  });
});

describe('the policy in the submitting transaction', () => {
  beforeAll(() => test.commands.setPolicy(test.admin, POLICY));

  it('approves what it may approve, with no process of its own', async () => {
    const draft = await test.commands.submitDraft(author, aDraft({ confidence: 0.95 }));
    expect(draft).toMatchObject({ status: 'approved', workflowId: null, expiresAt: null });
    expect(draft.decision).toMatchObject({
      outcome: 'auto_approve',
      required: 0,
      reasons: [expect.stringContaining('sure')],
    });
    expect(test.announced.at(-1)).toEqual({ told: false, mailDue: true });
    const stored = await readDraftView(database.db, draft.id);
    expect(stored).toMatchObject({ status: 'scheduled', dueAt: draft.createdAt });
    expect(await timeline(database.db, draft.id)).toEqual(['submitted', 'approved', 'released']);
    expect(await database.db.outboxMessage.count({ where: { entityId: draft.id } })).toBe(0);
  });

  it('rejects what it must reject', async () => {
    const draft = await test.commands.submitDraft(author, aDraft({ confidence: 0.05 }));
    expect(draft).toMatchObject({ status: 'rejected', workflowId: null });
    expect(await timeline(database.db, draft.id)).toEqual(['submitted', 'rejected']);
  });

  it('sets the deadline that a rule names', async () => {
    const draft = await test.commands.submitDraft(author, aDraft({ confidence: 0.5 }));
    expect(Date.parse(draft.expiresAt as string) - Date.parse(draft.createdAt)).toBe(2 * 3_600_000);
  });

  it('waits for the send time and for the undo window, whichever is later', async () => {
    const patient = createTestCommands(database.db, { UNDO_WINDOW_SECONDS: 60 });
    const soon = await patient.commands.submitDraft(author, aDraft({ confidence: 0.95 }));
    expect(Date.parse(soon.dueAt as string) - Date.parse(soon.createdAt)).toBe(60_000);
    expect(patient.announced.at(-1)?.mailDue).toBeFalsy();
    const sendAt = '2031-05-01T08:00:00.000Z';
    const later = await patient.commands.submitDraft(author, aDraft({ confidence: 0.95, sendAt }));
    expect(later).toMatchObject({ sendAt, dueAt: sendAt });
  });

  it('never decides by a policy that had been replaced before the draft was stored', async () => {
    await test.commands.submitDraft(author, aDraft({ confidence: 0.95 }));
    // Another process changes the policy; this one has the old version in its cache.
    const elsewhere = createTestCommands(database.db);
    const { version } = await elsewhere.commands.setPolicy(test.admin, { ...POLICY, rules: [] });
    const draft = await test.commands.submitDraft(author, aDraft({ confidence: 0.95 }));
    expect(draft).toMatchObject({ status: 'pending_review', decision: { policyVersion: version } });
  });

  it('never decides by a policy that a restore has taken back, though another has its version now', async () => {
    const { version } = await test.commands.setPolicy(test.admin, POLICY);
    const submit = () => test.commands.submitDraft(author, aDraft({ confidence: 0.95 }));
    expect((await submit()).status).toBe('approved');
    const strict = { ...POLICY, rules: [] } as object;
    await database.db.policy.update({ where: { version }, data: { document: strict } });
    await database.db.instance.update({ where: { id: 1 }, data: { generation: { increment: 1 } } });
    expect(await submit()).toMatchObject({ status: 'pending_review', decision: { policyVersion: version } });
  });

  it('samples about the share it says, and nobody evades that by withdrawing and submitting again', async () => {
    await test.commands.setPolicy(test.admin, { ...POLICY, mode: { sampled: 0.5 } });
    const submit = (n: number, changes = {}) =>
      test.commands.submitDraft(author, aDraft({ confidence: 0.95, subject: `Mail ${n}`, ...changes }));
    const drawn: string[] = [];
    for (let n = 0; n < 60; n++) {
      const first = await submit(n);
      drawn.push(first.status);
      await test.commands.withdrawDraft(author, { id: first.id });
      const { body, to } = aDraft();
      for (const changes of [{}, { body: `${body}\n` }, { to: to.toUpperCase() }, { metadata: { again: n } }]) {
        expect((await submit(n, changes)).status).toBe(first.status);
      }
    }
    const sampled = drawn.filter((status) => status === 'pending_review').length;
    expect([sampled > 10, sampled < 50]).toEqual([true, true]);
    await test.commands.setPolicy(test.admin, POLICY);
  });

  it('gives parallel changes of the policy a version each', async () => {
    const made = await Promise.all(Array.from({ length: 5 }, () => test.commands.setPolicy(test.admin, POLICY)));
    expect(new Set(made.map(({ version }) => version)).size).toBe(5);
  });
});
