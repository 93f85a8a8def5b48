import { hashKey } from '../../activities/commands/keys';
import { createTestCommands, refusalOf, type TestCommands } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let test: TestCommands;

beforeAll(async () => {
  database = await createTestDatabase();
  test = createTestCommands(database.db);
});
afterAll(() => database.drop());

describe('API keys', () => {
  it('are kept as a hash only, and share one principal by name', async () => {
    const first = await test.commands.createKey(test.admin, {
      name: 'Ada',
      email: 'ada@example.org',
      roles: ['approver'],
    });
    const second = await test.commands.createKey(test.admin, { name: 'Ada', roles: ['author'] });
    expect(first.key).not.toBe(second.key);
    const keys = await database.db.apiKey.findMany({ include: { principal: true } });
    expect(new Set(keys.map(({ principalId }) => principalId)).size).toBe(1);
    expect(keys[0]?.principal.email).toBe('ada@example.org');
    const stored = keys.find(({ id }) => id === first.id);
    expect(Buffer.from(stored?.hash ?? [])).toEqual(Buffer.from(hashKey(first.key)));
    const everything = JSON.stringify(await database.db.auditEvent.findMany({ omit: { position: true } }));
    expect(everything).not.toContain(first.key);
    expect(everything).not.toContain('Ada');
  });

  it('end once, together with their sessions', async () => {
    const { id } = await test.commands.createKey(test.admin, { name: 'Ben', roles: ['approver'] });
    const expiresAt = new Date(Date.now() + 60_000);
    await database.db.session.create({ data: { hash: Buffer.from('session'), keyId: id, expiresAt } });
    await test.commands.endKey(test.admin, id);
    expect(await database.db.session.count({ where: { keyId: id } })).toBe(0);
    expect(await refusalOf(test.commands.endKey(test.admin, id))).toBe('not_found');
  });
});
