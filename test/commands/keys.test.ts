import { uuidv7 } from 'uuidv7';
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

describe('a name that looks like another', () => {
  const make = (name: string) => test.commands.createKey(test.admin, { name, roles: ['approver'] });

  it.each([
    ['in another case', 'ada lovelace'],
    ['with a Cyrillic letter', '\u0410da Lovelace'],
    ['with a Greek letter', 'Ada Lovel\u03b1ce'],
    ['with a digit for a letter', 'Ada L0velace'],
    ['with a capital I for an l', 'Ada LoveIace'],
  ])('is refused: %s', async (_how, name) => {
    await make('Ada Lovelace');
    await expect(make(name)).rejects.toMatchObject({ code: 'invalid', errors: [{ path: 'name' }] });
  });

  it('is refused also if both are made at the same time', async () => {
    const made = await Promise.allSettled([make('Grace'), make('grace'), make('GRACE'), make('Grac\u0435')]);
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is refused also for a principal from before looks were noted, and after an erasure', async () => {
    await make('Linus');
    await database.db.principal.updateMany({ data: { look: null } });
    await expect(make('linus')).rejects.toMatchObject({ code: 'invalid' });
    expect(await database.db.principal.count({ where: { look: null } })).toBe(0);
    await make('Linus');
  });

  it('keeps those that looked alike already, and lets nobody else look like them', async () => {
    await make('Barbara');
    await database.db.principal.create({ data: { id: uuidv7(), name: 'BARBARA' } });
    await make('BARBARA');
    await make('Barbara');
    await expect(make('barbara')).rejects.toMatchObject({ code: 'invalid' });
  });

  it('is another where people can tell it apart', async () => {
    for (const name of ['Mary', 'Marie', 'Märy', 'Mary Ann', 'agent 2', 'agent 3']) await make(name);
  });
});
