// Whatever changes a text that may mention somebody makes its row due in the index, whichever way it is written.
import { createTestCommands } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { dueNameOf, type IndexedRow, isRow, PLACES, sqlOf, takeDue, writeRows } from './rows';

let database: TestDatabase;
let rows: Map<string, IndexedRow>;
let written: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  await takeDue(database.pool);
  rows = await writeRows(createTestCommands(database.db), database);
  written = await takeDue(database.pool);
});
afterAll(() => database?.drop());

const rowOf = (table: string): IndexedRow => {
  const row = rows.get(table);
  if (!row) throw new Error(`There is no row of ${table}`);
  return row;
};
const columns = PLACES.flatMap(({ table, columns: kinds }) =>
  Object.entries(kinds).map(([column, kind]) => [table, column, kind] as const),
);

it.each(PLACES.map(({ table }) => table))('a new row of %s is due', (table) => {
  expect(written).toContain(dueNameOf(rowOf(table)));
});

it.each(columns)(
  'a row of %s whose %s changes is due, and one that is written as it was is not',
  async (table, column, kind) => {
    const row = rowOf(table);
    const set = (value: string) =>
      database.pool.query(`UPDATE ${table} t SET "${column}" = ${value} WHERE ${isRow(row)}`);
    const changed = await set(sqlOf(kind, 'new@customer.example'));
    expect([changed.rowCount, await takeDue(database.pool)]).toEqual([1, [dueNameOf(row)]]);
    await set(`"${column}"`);
    expect(await takeDue(database.pool)).toEqual([]);
  },
);

it('an attachment that gets other bytes is due', async () => {
  const row = rowOf('attachments');
  await database.pool.query(`UPDATE attachments t SET sha256 = '${'0'.repeat(64)}' WHERE ${isRow(row)}`);
  expect(await takeDue(database.pool)).toEqual([dueNameOf(row)]);
});

it('a row that is deleted is due, in every place', async () => {
  const client = await database.pool.connect();
  try {
    await client.query('BEGIN');
    // What hangs on them goes first, and the places in an order that their references allow.
    for (const table of ['draft_attachments', 'suppressed_hashes', 'erasure_steps', 'sessions'])
      await client.query(`DELETE FROM ${table}`);
    const order = ['verdicts', 'notes', 'revisions', 'attachments', 'suppressions', 'api_keys'];
    const isFirst = (table: string) => order.includes(table);
    for (const { table } of [...PLACES].sort((a, b) => Number(isFirst(b.table)) - Number(isFirst(a.table))))
      await client.query(`DELETE FROM ${table} t WHERE ${isRow(rowOf(table))}`);
    const { rows: due } = await client.query('SELECT place, row_id AS id, part FROM mentions_due');
    const names = due.map(({ place, id, part }) => `${place} ${id} ${part}`);
    for (const row of rows.values()) expect(names).toContain(dueNameOf(row));
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});

it('the catalogue has the triggers that the list of places asks for, and no others', async () => {
  const { rows: triggers } = await database.pool.query(`
    SELECT c.relname AS "table", t.tgtype & 28 AS event,
      ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr)) AS columns
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND t.tgname LIKE '%\\_mentions\\_%' AND t.tgenabled = 'O'`);
  const [INSERT, DELETE, UPDATE] = [4, 8, 16];
  const found = triggers.map(({ table, event, columns: of }) => `${table} ${event} ${[...of].sort()}`);
  const wanted = PLACES.flatMap(({ table, columns: kinds }) => {
    const read = [...Object.keys(kinds), ...(table === 'attachments' ? ['sha256'] : [])].sort();
    return [`${table} ${INSERT} `, `${table} ${DELETE} `, `${table} ${UPDATE} ${read}`];
  });
  expect(found.sort()).toEqual(wanted.sort());
});

it('every column of words in the catalogue is in the list of places, or holds no words of a client', async () => {
  const { rows: words } = await database.pool.query(`
    SELECT table_name || '.' || column_name AS name FROM information_schema.columns
    WHERE table_schema = 'public' AND (data_type IN ('text', 'jsonb') OR udt_name = '_text') ORDER BY 1`);
  const read = new Set(columns.map(([table, column]) => `${table}.${column}`));
  const others = Object.entries(WITHOUT_WORDS).flatMap(([table, names]) => names.map((name) => `${table}.${name}`));
  expect(words.map(({ name }) => name).filter((name) => !read.has(name))).toEqual(others.sort());
});

/** Codes, ids and hashes that Countersign makes itself, by table. */
const WITHOUT_WORDS: Record<string, string[]> = {
  _prisma_migrations: ['logs'],
  api_keys: ['roles'],
  attachments: ['sha256'],
  audit_checkpoints: ['reason'],
  audit_events: ['data', 'subject', 'type'],
  cleanups: ['active', 'process', 'reason', 'status'],
  crm_syncs: ['failure_code', 'hubspot_id', 'status'],
  drafts: ['failure_code', 'final_status', 'message_id', 'outcome', 'status', 'traceparent'],
  erasure_steps: ['step'],
  erasures: ['certificate', 'failure_code', 'preview', 'scan', 'status'],
  failing_steps: ['code', 'process', 'service', 'step', 'workflow_id'],
  instance: ['backup_store_id', 'database_id', 'held_code', 'temporal_namespace_id'],
  lanes: ['journal_run', 'last_error', 'name', 'server'],
  mentions: ['place'],
  mentions_due: ['place'],
  operator_notes: ['service'],
  person_exports: ['failure_code', 'status'],
  outbox: ['message', 'process', 'traceparent'],
  refusal_counts: ['type', 'code', 'route'],
  releases: ['build_id', 'bundle_hash', 'commit', 'last_migration', 'state', 'version'],
  removed_files: ['sha256'],
  scan_decoys: ['document', 'words'],
  suppressions: ['kind'],
  verdicts: ['verdict'],
};
