// A backup that was restored by pgBackRest itself, outside our scripts, and the end of the archive as the truth.
import { uuidv7 } from 'uuidv7';
import { chooseSet } from '../../activities/restore/chosen-set';
import { restoreFiles, withCluster } from '../../activities/restore/cluster';
import { pointTo } from '../../ops/local/clusters';
import { RestoredService } from '../restore/restored-service';
import { until } from '../support/until';
import { adopt, untilHeld } from './adopting';

let service: RestoredService;
beforeAll(async () => {
  service = await RestoredService.start();
});
afterAll(() => service?.close());

it('is held, is adopted, and what it lost comes back from the archive', async () => {
  const { base, tools, host } = service;
  const { db } = base.database;
  const first = await base.submitDue('first@example.org');
  await base.draftIn('sent', first.id);
  const later = await base.submitDue('later@example.org', { sendAt: new Date(Date.now() + 3_600_000).toISOString() });
  const withdrawn = await base.submitDue('withdrawn@example.org', {
    sendAt: new Date(Date.now() + 3_600_000).toISOString(),
  });
  await service.backUp();
  await base.test.commands.withdrawDraft(base.author, { id: withdrawn.id });
  const lost = await base.submitDue('lost@example.org');
  await base.draftIn('sent', lost.id);
  await db.$queryRaw`SELECT pg_switch_wal()::text`;
  await until('the log is archived', async () => {
    const [row] = await db.$queryRaw<[{ waits: boolean }]>`
      SELECT last_archived_wal < pg_walfile_name(pg_current_wal_lsn()) AS waits FROM pg_stat_archiver`;
    return row.waits;
  });
  await base.endWorkers();

  const name = `data-${uuidv7()}`;
  const { id: setId, postgres } = await chooseSet(tools, 'latest', null);
  const plan = { setId, to: 'set', time: null, restorePoint: null, timeline: 1, size: 0, free: 0 } as const;
  await restoreFiles(tools, { plan, name, label: postgres.label }, () => {}, new AbortController().signal);
  await withCluster(tools, name, async () => {});
  pointTo(host.folder, name);
  process.kill(host.pid(), 'SIGINT');
  await until('the restored database answers', () =>
    db.draft.count({ where: { id: lost.id } }).then(
      (count) => count === 0,
      () => false,
    ),
  );

  base.runWorker();
  expect(await untilHeld(db)).toBe('behind_journal');
  const { result } = await adopt(db, base.temporal);
  expect(result).toMatchObject({ parked: 2, journalComplete: true });
  expect((await base.draft(later.id)).failure).toMatchObject({ code: 'unconfirmed' });

  await service.reconcile(result?.adoptionId as string);
  expect((await base.draft(lost.id)).status).toBe('sent');
  expect((await base.draft(withdrawn.id)).status).toBe('withdrawn');
  expect((await base.draft(later.id)).status).toBe('scheduled');
  expect(await db.lane.count({ where: { held: true } })).toBe(0);
  expect(base.mail.repeated).toEqual([]);
});
