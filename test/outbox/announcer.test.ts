import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { createAnnouncer, LANE_CHANNEL } from '../../activities/outbox/announcer';
import type { Message } from '../../activities/outbox/message-delivery';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { deferred } from '../support/deferred';
import { until } from '../support/until';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const message = (version = 1, draftId = uuidv7()): Message => ({
  draftId,
  state: { generation: 1, version, status: 'pending_review', revision: 1, expiresAt: null, dueAt: null, outcome: null },
});

describe('what is announced', () => {
  it('is told after the answer, a few at once, and the newest word of each draft alone', async () => {
    const told: Message[] = [];
    const gate = deferred<void>();
    const announcer = createAnnouncer({
      db: database.db,
      async deliver(one) {
        told.push(one);
        await gate.promise;
      },
    });
    const first = message(1);
    announcer.announce({ message: first });
    expect(told).toEqual([]);
    for (let i = 0; i < 40; i++) announcer.announce({ message: message() });
    await until('the first are under way', () => told.length >= 4);
    expect(told).toHaveLength(4);
    const late = uuidv7();
    for (const version of [1, 2, 3]) announcer.announce({ message: message(version, late) });
    gate.resolve();
    await announcer.drain();
    expect(told).toHaveLength(42);
    expect(told.filter(({ draftId }) => draftId === late).map(({ state }) => state.version)).toEqual([3]);
  });

  it('is dropped without a word while Temporal is away, so that nothing piles up', async () => {
    let attempts = 0;
    const announcer = createAnnouncer({
      db: database.db,
      async deliver() {
        attempts += 1;
        throw new Error('away');
      },
    });
    for (let i = 0; i < 5_000; i++) announcer.announce({ message: message() });
    await announcer.drain();
    for (let i = 0; i < 100; i++) announcer.announce({ message: message() });
    await announcer.drain();
    expect(attempts).toBeLessThanOrEqual(4);
  });

  it('wakes the lane at once, however often mails come due a few times only, and after the last of them', async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    let heard = 0;
    client.on('notification', () => {
      heard += 1;
    });
    await client.query(`LISTEN ${LANE_CHANNEL}`);
    const announcer = createAnnouncer({ db: database.db, deliver: async () => {} });
    announcer.announce({ mailDue: true });
    await until('the lane is woken', () => heard === 1);
    for (let i = 0; i < 1_000; i++) announcer.announce({ mailDue: true });
    const before = heard;
    await until('it is woken after the last', () => heard > before);
    await announcer.drain();
    expect(heard).toBeLessThan(10);
    await client.end();
  });
});
