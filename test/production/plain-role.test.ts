// A service whose role owns nothing: ops/postgres/grants.sql is enough for drafts, erasures and the audit trail.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkDatabase } from '../../ops/check/database';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { asSuperuser, createTestDatabase, openTestDatabase, type TestDatabase } from '../support/database';
import { until } from '../support/until';
import { ErasureService } from '../user-erasure/erasure-service';

const ROLE = `plain_${randomBytes(4).toString('hex')}`;
const GRANTS = readFileSync(join(PACKAGE_ROOT, 'ops', 'postgres', 'grants.sql'), 'utf8');

let owned: TestDatabase;
let plain: TestDatabase;
let service: ErasureService;
beforeAll(async () => {
  owned = await createTestDatabase();
  await asSuperuser(owned, `CREATE ROLE ${ROLE} LOGIN PASSWORD 'plain'`);
  const url = new URL(owned.url);
  [url.username, url.password] = [ROLE, 'plain'];
  plain = openTestDatabase(url.href);
});
afterAll(async () => {
  // It drops its database.
  await (service ? service.close() : plain?.drop());
  await asSuperuser(owned, `DROP OWNED BY ${ROLE}`);
  await asSuperuser(owned, `DROP ROLE ${ROLE}`);
  await owned?.drop();
});

it('is told by the check what it lacks, and then that it lacks nothing', async () => {
  const before = await checkDatabase(plain.url);
  expect(before.filter(({ status }) => status === 'failed').length).toBeGreaterThan(0);
  await asSuperuser(owned, `SELECT set_config('countersign.role', '${ROLE}', false); ${GRANTS}`);
  const after = await checkDatabase(plain.url);
  expect(after.filter(({ status }) => status !== 'ok')).toEqual([]);
});

it('has the rights on tables of later migrations too', async () => {
  await owned.pool.query('CREATE TABLE later (n int)');
  await plain.pool.query('INSERT INTO later VALUES (1)');
  await owned.pool.query('DROP TABLE later');
  await expect(plain.pool.query('CREATE TABLE own (n int)')).rejects.toMatchObject({ code: '42501' });
});

it('sends what was approved, and erases a person with a certificate', async () => {
  service = await ErasureService.create({ database: plain });
  const { base } = service;
  base.startWorker();
  const email = 'ada@customer.example';
  const { id } = await base.submitForReview(email);
  await base.test.commands.approveDraft(base.approver, { id, revision: 1 });
  await until('it is sent', async () => (await plain.db.draft.findUniqueOrThrow({ where: { id } })).status === 'sent');
  expect((await service.erase(email)).status).toBe('certified');
  await expect(plain.pool.query('DELETE FROM audit_events')).rejects.toMatchObject({ code: '42501' });
});
