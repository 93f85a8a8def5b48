// A drill of a whole Countersign: it takes every step of a restore, and nothing outside of its home knows of it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { uuidv7 } from 'uuidv7';
import type { restoreDrill } from '../../workflows';
import { type DrillReport, restoreDrillWorkflowId } from '../../workflows/contracts/restore-drill';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { until } from '../support/until';
import { RestoredService } from './restored-service';
import { query } from './restoring-host';

const ADA = 'ada@customer.example';
/** The worker goes on archiving and anchoring meanwhile, and the drill adds its report. */
const MOVING = /^(pgbackrest|archiving|audit\/anchors|drills)\b/;
const TABLES = ['instance', 'drafts', 'suppressions', 'erasures', 'outbox', 'attachments'];

let service: RestoredService;
beforeAll(async () => {
  service = await RestoredService.start();
});
afterAll(() => service?.close());

const hash = (content: Buffer) => createHash('sha256').update(content).digest('hex');

/** All that a drill may not change. */
async function everything(): Promise<Record<string, unknown>> {
  const { tools, base, redis, host } = service;
  const found: Record<string, unknown> = { sent: base.mail.accepted.length };
  for (const [name, store] of Object.entries({ backups: tools.backups, files: tools.files })) {
    for await (const key of store.list('')) {
      if (name === 'backups' && MOVING.test(key)) continue;
      found[`${name}/${key}`] = hash(await buffer(await store.get(key)));
    }
  }
  for (const name of service.mails()) found[`mailbox/${name}`] = hash(readFileSync(service.mailFile(name)));
  for (const key of (await redis.keys('countersign:test*')).sort()) found[`redis/${key}`] = await redis.get(key);
  const ask = (sql: string) => query(tools.settings.DATABASE_URL, sql);
  for (const table of TABLES) found[table] = await ask(`SELECT to_jsonb(t) AS row FROM ${table} t ORDER BY 1`);
  found.lanes = await ask('SELECT name, held, claims FROM lanes ORDER BY 1');
  found.restores = await ask(`SELECT type FROM audit_events WHERE type LIKE 'restore.%'`);
  found.clusters = readdirSync(host.folder).filter((name) => /^(data|truth|drill|current)/.test(name));
  return found;
}

const drill = (drillId = uuidv7()): Promise<DrillReport> =>
  service.workflows.execute<typeof restoreDrill>('restoreDrill', {
    workflowId: restoreDrillWorkflowId(drillId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ drillId }],
  });

test('takes every step, carries the ledger out and answers after its switch, and changes nothing but its report', async () => {
  const { base, erasure, redis } = service;
  const toAda = await base.submitDue(ADA, { attachments: [await erasure.upload('for Ada')] });
  await base.submitForReview('bob@customer.example', { attachments: [await erasure.upload('for Bob')] });
  await base.draftIn('sent', toAda.id);
  await service.backUp();
  const later = await base.submitDue('carol@customer.example');
  await base.draftIn('sent', later.id);
  expect((await erasure.erase(ADA)).status).toBe('certified');
  // The ledger would remove them if it were carried out here.
  await redis.set('countersign:test:value', `to=${ADA}`);
  service.putMail('20260101T000000000Z-1', ADA);

  await until('all is told', async () => (await base.database.db.outboxMessage.count()) === 0);
  const before = await everything();
  const report = await drill();
  expect(report).toMatchObject({ outcome: 'PROVEN', problem: null });
  expect(Object.keys(report.stepSeconds ?? {})).toEqual(
    expect.arrayContaining(['postgres', 'recover', 'check', 'rewind', 'files', 'switch']),
  );
  expect(await everything()).toEqual(before);
});
