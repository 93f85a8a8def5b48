// Who has released a mail that is due sees it leave, or is told later.
import { randomUUID } from 'node:crypto';
import type { CommandContext } from '../../activities/commands/context';
import { createDeliveryWatch } from '../../activities/delivery-watch';
import { createClaims } from '../../activities/mail-delivery/claims';
import type { DraftState } from '../../workflows/contracts/draft-approval';
import { aDraft, createTestCommands, type TestCommands } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';

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

async function released(sendAt?: string): Promise<{ id: string; state: DraftState }> {
  const { id } = await test.commands.submitDraft(author, { ...aDraft(), ...(sendAt ? { sendAt } : {}) });
  await test.commands.approveDraft(approver, { id, revision: 1 });
  await database.db.outboxMessage.deleteMany({ where: { entityId: id } });
  return { id, state: (await test.commands.releaseDraft(id)) as DraftState };
}
async function send(id: string): Promise<void> {
  const claims = createClaims(database.db, 'email', randomUUID(), 'example.org');
  await claims.takeOver(null, { unsettled: null, isLookedAt: true });
  await claims.claim(100);
  await claims.open([id]);
  await claims.record([{ id, status: 'sent', outcome: 'delivered', code: null, retrySeconds: null }]);
  await claims.release([]);
}
const messages = (entityId: string) => database.db.outboxMessage.count({ where: { entityId } });

it('answers what became of the mail, and takes the message that would have told it', async () => {
  const watch = createDeliveryWatch(database.db);
  const [mine, other] = [await released(), await released()];
  const watched = watch(mine.id, mine.state);
  await send(mine.id);
  await send(other.id);
  expect(await watched).toMatchObject({ status: 'sent', version: mine.state.version + 2, outcome: 'delivered' });
  expect(await messages(mine.id)).toBe(0);
  expect(await messages(other.id)).toBe(1);
});

it('ends where the mail does not leave in time, and leaves the message for later', async () => {
  const { id, state } = await released();
  expect(await createDeliveryWatch(database.db)(id, state)).toEqual(state);
  await send(id);
  expect(await messages(id)).toBe(1);
});

it('answers null for a draft that is gone, and what was decided otherwise meanwhile', async () => {
  const watch = createDeliveryWatch(database.db);
  const [gone, withdrawn] = [await released(), await released()];
  const watched = [gone, withdrawn].map(({ id, state }) => watch(id, state));
  await database.db.draft.delete({ where: { id: gone.id } });
  await test.commands.withdrawDraft(author, { id: withdrawn.id });
  expect(await Promise.all(watched)).toMatchObject([null, { status: 'withdrawn' }]);
});

it('waits for nothing that is due later, and holds no more than twenty workflow tasks', async () => {
  const watch = createDeliveryWatch(database.db);
  const later = await released(new Date(Date.now() + 60_000).toISOString());
  const first = await Promise.race([watch(later.id, later.state), 'it waits']);
  expect(first).toEqual(later.state);
  const { id, state } = await released();
  const ended: number[] = [];
  const watched = Array.from({ length: 21 }, (_, i) => watch(id, state).then(() => ended.push(i)));
  await watched[20];
  expect(ended).toEqual([20]);
  await Promise.all(watched);
});
