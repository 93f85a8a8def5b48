// The whole of a restore, as the disaster has it: real processes, a real mail server, a database rewound under them. Nothing is
// sent twice, and mail goes out again.
import { confirmSwitch, progress } from '../../workflows/contracts/restore';
import { expectEachMailOnce } from '../support/mail-count';
import { until } from '../support/until';
import { expectWholeTrail } from '../support/whole-trail';
import { makeDatabaseSet } from './database-set';
import { RestoredService } from './restored-service';

let service: RestoredService;
beforeAll(async () => {
  service = await RestoredService.start();
});
afterAll(() => service?.close());

test('what was sent after the target is not sent again, what was decided comes back, and mail goes out again', async () => {
  const { base, tools } = service;
  const before = await base.submitForReview('before@example.org');
  await makeDatabaseSet(tools);
  const target = new Date().toISOString();
  await until('a moment passes', () => Promise.resolve(Date.now() > Date.parse(target) + 1_100 || null));
  await base.approve(before);
  const after = await base.submitDue('after@example.org');
  await base.draftIn('sent', before.id);
  await base.draftIn('sent', after.id);
  const waiting = await base.submitForReview('waiting@example.org');

  const { restoreId, handle } = await service.startRestore({ from: 'latest', time: target }, false);
  await until('it is prepared', async () => (await handle.query(progress)).status === 'awaiting_confirmation' || null);
  // Until somebody confirms, everything goes on.
  const meanwhile = await base.submitDue('meanwhile@example.org');
  await base.draftIn('sent', meanwhile.id);
  await handle.signal(confirmSwitch, { actor: 'a test' });
  const result = await handle.result();
  expect(result).toMatchObject({ parked: expect.any(Number), lost: { complete: true, sent: 3 } });
  expect(await base.draft(before.id)).toMatchObject({ status: 'failed', outcome: 'unknown' });
  await expect(base.draft(waiting.id)).rejects.toThrow('No such draft');

  await service.reconcile(restoreId);
  for (const { id } of [before, after, meanwhile]) expect((await base.draft(id)).status).toBe('sent');
  expect((await base.draft(waiting.id)).status).toBe('pending_review');
  await base.approve(waiting);
  await base.draftIn('sent', waiting.id);
  await expectEachMailOnce(base);
  expect(base.mail.accepted).toHaveLength(4);

  // The chain goes on from the restored moment, and its sealer, which ran before, knows that.
  await expectWholeTrail(base.database.db, tools.settings.BACKUP_URL);
});
