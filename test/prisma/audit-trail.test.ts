import { asSuperuser, createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
const pool = () => database.pool;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

describe('the audit trail', () => {
  const INSERT = `INSERT INTO audit_events (id, type, at, subject) VALUES (gen_random_uuid(), 'draft.submitted', now(), 'draft')`;

  it.each([
    ['UPDATE', `UPDATE audit_events SET type = 'draft.approved'`],
    ['DELETE', 'DELETE FROM audit_events'],
    ['DELETE of no row', 'DELETE FROM audit_events WHERE false'],
    ['TRUNCATE', 'TRUNCATE audit_events'],
    ['TRUNCATE … CASCADE', 'TRUNCATE audit_events CASCADE'],
  ])('takes an event and refuses %s, even to the superuser', async (_title, statement) => {
    await pool().query(INSERT);
    await expect(asSuperuser(database, statement)).rejects.toMatchObject({
      code: '42501',
      message: 'audit_events is append-only',
    });
    const { rows } = await pool().query('SELECT DISTINCT type FROM audit_events');
    expect(rows).toEqual([{ type: 'draft.submitted' }]);
  });
});
