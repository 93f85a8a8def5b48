// Restore points against a real server: what the log knows, what lies beside the backups, and what a small role may not.
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import {
  checkRestorePoints,
  createRestorePoint,
  pruneRestorePoints,
  readRestorePoint,
  restorePointKey,
  restorePointName,
} from '../../activities/restore-points';
import { openBackups } from '../support/backups';
import { asSuperuser, createTestDatabase, openTestDatabase, type TestDatabase } from '../support/database';
import { newFolder } from '../support/environment';

let database: TestDatabase;
const backups = openBackups(`file://${newFolder('backups')}`);
const warnings: string[] = [];
const logger = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) });
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

/** Of what has been inserted, which may not be written yet. */
const lsn = async (): Promise<string> =>
  (await database.pool.query('SELECT pg_current_wal_insert_lsn() AS lsn')).rows[0].lsn;
const isBetween = async (from: string, point: string | null, to: string) =>
  (await database.pool.query('SELECT $2::pg_lsn BETWEEN $1::pg_lsn AND $3::pg_lsn AS is', [from, point, to])).rows[0]
    .is;
const create = async (db = database.db) => {
  const id = uuidv7();
  const name = restorePointName(id);
  await createRestorePoint({ db, backups }, { name, process: 'userErasure', id });
  return { id, name };
};

it('a point is a place in the log, with its name, its time and its timeline', async () => {
  const before = await lsn();
  const { id, name } = await create();
  const point = await readRestorePoint(backups, name);
  expect(point).toEqual({
    name: `before-${id}`,
    process: 'userErasure',
    id,
    lsn: expect.any(String),
    timeline: 1,
    at: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect(await isBetween(before, point?.lsn ?? null, await lsn())).toBe(true);
});

it('the first of its name stays', async () => {
  const { id, name } = await create();
  const first = await readRestorePoint(backups, name);
  await createRestorePoint({ db: database.db, backups }, { name, process: 'userErasure', id });
  expect(await readRestorePoint(backups, name)).toEqual(first);
});

it('one that is not signed by us stands for none, and is replaced', async () => {
  const id = uuidv7();
  const name = restorePointName(id);
  const forged = { name, process: 'userErasure', id, at: new Date(0).toISOString(), lsn: null, timeline: null };
  await backups.put(restorePointKey(name), Buffer.from(JSON.stringify(forged)));
  await expect(readRestorePoint(backups, name)).rejects.toThrow(
    `${restorePointKey(name)} under BACKUP_URL is not signed`,
  );
  await createRestorePoint({ db: database.db, backups }, { name, process: 'userErasure', id });
  expect((await readRestorePoint(backups, name))?.lsn).toEqual(expect.any(String));
});

it('a role that may not name a point leaves its time; the worker warns of that once, at its start', async () => {
  const role = `small_${randomBytes(4).toString('hex')}`;
  await asSuperuser(database, `CREATE ROLE ${role} LOGIN PASSWORD 'small'`);
  const url = new URL(database.url);
  [url.username, url.password] = [role, 'small'];
  const small = openTestDatabase(url.href);
  await checkRestorePoints(small.db, logger);
  const { name } = await create(small.db);
  await small.drop();
  await asSuperuser(database, `DROP ROLE ${role}`);
  expect(await readRestorePoint(backups, name)).toMatchObject({
    name,
    lsn: null,
    timeline: null,
    at: expect.any(String),
  });
  await checkRestorePoints(database.db, logger);
  expect(warnings).toEqual([expect.stringContaining('ops/postgres/grants.sql')]);
});

it('a server that is away fails it: nothing may go without a point to come back to', async () => {
  const away = openTestDatabase('postgresql://nobody@127.0.0.1:9/nothing');
  await expect(create(away.db)).rejects.toThrow();
  await away.drop();
});

it('old ones go, younger ones stay', async () => {
  const { name } = await create();
  const { at } = (await readRestorePoint(backups, name)) ?? { at: '' };
  await pruneRestorePoints(backups, new Date(at));
  expect(await readRestorePoint(backups, name)).not.toBeNull();
  expect(await pruneRestorePoints(backups, new Date(Date.parse(at) + 1))).toBe(1);
  expect(await backups.has(restorePointKey(name))).toBe(false);
});
