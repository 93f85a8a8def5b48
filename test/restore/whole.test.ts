// The whole of a restore, as the disaster has it: real processes, a real mail server, a database rewound under them.
import { uuidv7 } from 'uuidv7';
import { createSigner } from '../../activities/audit-trail/signatures';
import { verifyTrail } from '../../activities/audit-trail/verify';
import type { reconcileRestore, restore } from '../../workflows';
import { confirmSwitch, progress, restoreWorkflowId } from '../../workflows/contracts/restore';
import { reconcileWorkflowId } from '../../workflows/contracts/restore-follow-up';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { openTestDatabase } from '../support/database';
import { expectEachMailOnce } from '../support/mail-count';
import { type SupervisedHost, startSupervisedHost } from '../support/recovery-host';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { makeDatabaseSet } from './database-set';

jest.setTimeout(180_000);

let host: SupervisedHost;
let service: TestService;

beforeAll(async () => {
  host = await startSupervisedHost();
  const {
    BACKUP_URL = '',
    BACKUP_PASSPHRASE = '',
    POSTGRES_HOME = '',
    FILES_URL = '',
    DATABASE_URL = '',
  } = host.environment;
  service = await TestService.create({
    database: openTestDatabase(DATABASE_URL),
    environment: { BACKUP_URL, BACKUP_PASSPHRASE, POSTGRES_HOME, FILES_URL },
  });
  service.startWorker();
});
afterAll(async () => {
  await service?.close();
  await host?.postgres.stop();
});

test('what was sent after the target is not sent again, what was decided comes back, and mail goes out again', async () => {
  const before = await service.submitForReview('before@example.org');
  await makeDatabaseSet(host.tools);
  const target = new Date().toISOString();
  await until('a moment passes', () => Promise.resolve(Date.now() > Date.parse(target) + 1_100 || null));
  await service.approve(before);
  const after = await service.submitDue('after@example.org');
  await service.draftIn('sent', before.id);
  await service.draftIn('sent', after.id);
  const waiting = await service.submitForReview('waiting@example.org');

  const restoreId = uuidv7();
  const handle = await service.temporal.client.workflow.start<typeof restore>('restore', {
    workflowId: restoreWorkflowId(restoreId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ restoreId, target: { from: 'latest', time: target } }],
  });
  await until(
    'it is prepared',
    async () => (await handle.query(progress)).status === 'awaiting_confirmation' || null,
    60_000,
  );
  // Until somebody confirms, everything goes on.
  const meanwhile = await service.submitDue('meanwhile@example.org');
  await service.draftIn('sent', meanwhile.id);
  await handle.signal(confirmSwitch, { actor: 'a test' });
  const result = await handle.result();
  expect(result).toMatchObject({ parked: expect.any(Number), lost: { complete: true, sent: 3 } });
  expect(await service.draft(before.id)).toMatchObject({ status: 'failed', outcome: 'unknown' });
  await expect(service.draft(waiting.id)).rejects.toThrow('No such draft');

  await service.temporal.client.workflow.execute<typeof reconcileRestore>('reconcileRestore', {
    workflowId: reconcileWorkflowId(restoreId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ restoreId }],
  });
  for (const { id } of [before, after, meanwhile]) expect((await service.draft(id)).status).toBe('sent');
  expect((await service.draft(waiting.id)).status).toBe('pending_review');
  await service.approve(waiting);
  await service.draftIn('sent', waiting.id);
  await expectEachMailOnce(service);
  expect(service.mail.accepted).toHaveLength(4);

  // The chain goes on from the restored moment, and its sealer, which ran before, knows that.
  const { backups: store, settings } = host.tools;
  const verifier = createSigner(settings.SECRET_KEY);
  const verified = await until('every event is sealed', async () => {
    const found = await verifyTrail({ db: service.database.db, store, verifier });
    return found.unsealed.events === 0 ? found : null;
  });
  expect(verified).toMatchObject({ ok: true, reason: null });
});
