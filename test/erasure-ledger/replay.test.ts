// A database that has gone back to a time before an erasure: nobody comes back, nothing opens before that is so.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { adopt, untilHeld } from '../continuity/adopting';
import { ApiClient } from '../support/api-client';
import { ADMIN_PASSWORD, newFolder } from '../support/environment';
import { until } from '../support/until';
import { ErasureService } from '../user-erasure/erasure-service';

const run = promisify(execFile);
const ADA = 'ada@customer.example';
const BOB = 'bob@customer.example';

let service: ErasureService;
beforeAll(async () => {
  service = await ErasureService.create();
});
afterAll(() => service?.close());

it('keeps an erased person erased when the database is rewound from a dump', async () => {
  const { base } = service;
  const { url, db } = base.database;
  base.runWorker();
  const toAda = await base.submitForReview(ADA);
  const toBob = await base.submitForReview(BOB, { body: `Ask ${ADA}` });
  await service.commands.createKey(service.admin, { name: 'Ada herself', email: ADA, roles: ['author'] });
  const hold = await service.commands.placeHold(service.admin, { draftId: toAda.id, reason: 'evidence' });
  const dump = join(newFolder('dump'), 'before.dump');
  await run('pg_dump', ['--format=custom', `--file=${dump}`, url]);

  await service.commands.releaseHold(service.admin, hold.id);
  expect((await service.erase(ADA)).status).toBe('certified');
  expect((await base.draft(toAda.id)).status).toBe('erased');
  await base.endWorkers();
  await run('pg_restore', ['--clean', '--if-exists', '--single-transaction', `--dbname=${url}`, dump]);
  expect(await base.draft(toAda.id)).toMatchObject({ status: 'pending_review', to: ADA });
  expect(await db.erasure.count()).toBe(0);
  expect(await db.legalHold.findMany()).toMatchObject([{ id: hold.id, releasedAt: null }]);

  base.start('api', 'api/main.js');
  const api = `http://127.0.0.1:${base.environment.PORT}`;
  const ready = () => fetch(`${api}/ready`).catch(() => null);
  const refused = await until('the API answers', ready);
  expect([refused.status, await refused.json()]).toEqual([
    503,
    {
      status: 'not_ready',
      checks: expect.objectContaining({ erasureLedger: 'not_ready: 1 erasure(s) to carry out again' }),
    },
  ]);
  await base.approve(toAda);

  base.runWorker();
  await until('the API is ready', () => new ApiClient(api, {}).ready());
  expect(await base.draft(toAda.id)).toMatchObject({ status: 'erased', to: null, subject: null });
  expect((await base.draft(toBob.id)).body).toBe('Ask [erased]');
  expect(await db.principal.count({ where: { OR: [{ name: 'Ada herself' }, { email: ADA }] } })).toBe(0);
  const erasures = await db.erasure.findMany();
  expect(erasures).toMatchObject([{ status: 'certified', sealed: null }]);
  const certificate = await fetch(`${api}/api/gdpr/erasures/${erasures[0]?.id}/certificate`, {
    headers: { 'X-Admin-Token': ADMIN_PASSWORD },
  });
  expect([certificate.status, ((await certificate.json()) as { detail: string }).detail]).toEqual([
    409,
    expect.stringContaining('the erasure ledger has its entry'),
  ]);

  expect(await untilHeld(db)).toBe('behind_audit_anchors');
  expect(await adopt(db, base.temporal)).toMatchObject({ status: 'done' });
  const again = await base.submitDue(ADA);
  const other = await base.submitDue(BOB);
  await base.draftIn('sent', other.id);
  expect(await base.draftIn('blocked', again.id)).toMatchObject({ outcome: 'suppressed' });
  expect(base.mail.accepted.length).toBe(1);
});
