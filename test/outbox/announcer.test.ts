import pg from 'pg';
import { CHANNEL, createAnnouncer } from '../../activities/outbox/announcer';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { until } from '../support/until';

let database: TestDatabase;
let client: pg.Client;
let heard: string[];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  heard = [];
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  client.on('notification', ({ payload }) => heard.push(payload ?? ''));
  await client.query(`LISTEN ${CHANNEL}`);
});
afterEach(() => client.end());

describe('what has been committed', () => {
  it('is announced at once to whom it concerns', async () => {
    const announcer = createAnnouncer(database.db);
    announcer.announce({ told: true });
    await until('the relay hears', () => heard.length > 0);
    announcer.announce({ mailDue: true });
    await until('the lane hears', () => heard.length > 1);
    announcer.announce({});
    await announcer.drain();
    expect(heard).toEqual(['relay', 'email']);
  });

  it('is announced a few times only, however much there is, and after the last of it', async () => {
    const announcer = createAnnouncer(database.db);
    for (let i = 0; i < 1_000; i++) announcer.announce({ mailDue: true, told: true });
    await until('all hear again after the first time', () => heard.length >= 4);
    await announcer.drain();
    expect(heard.length).toBeLessThan(10);
  });

  it('stays as it is where the database does not answer: nobody waits, nothing fails', async () => {
    const gone = await createTestDatabase();
    await gone.drop();
    const announcer = createAnnouncer(gone.db);
    announcer.announce({ mailDue: true, told: true });
    await announcer.drain();
  });
});
