// The folder of the living cluster is put back by hand while a restore of ours is under way: the restore ends, knows that the
// database it leaves has lost commits, and neither it nor its undo sends a mail twice or one that was withdrawn.
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { livingCluster } from '../../ops/local/clusters';
import type { undoRestore } from '../../workflows';
import { isRewound } from '../../workflows/contracts/held-mail';
import { confirmSwitch, progress } from '../../workflows/contracts/restore';
import { undoWorkflowId } from '../../workflows/contracts/restore-follow-up';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { makeDatabaseSet } from '../restore/database-set';
import { RestoredService } from '../restore/restored-service';
import { expectEachMailOnce } from '../support/mail-count';
import { until, untilStill } from '../support/until';
import { expectWholeTrail } from '../support/whole-trail';
import { untilHeld } from './adopting';

let service: RestoredService;
beforeAll(async () => {
  service = await RestoredService.start();
});
afterAll(() => service?.close());

/** As a snapshot of its disk: PostgreSQL recovers from it as from a power loss. */
function copyLivingFolder(): string {
  const living = livingCluster(service.host.folder);
  const copy = `${living}.kept`;
  const { host } = service;
  const processes = execFileSync('ps', ['-o', 'pid=', '--ppid', String(host.pid()), '--pid', String(host.pid())])
    .toString()
    .split('\n')
    .map(Number)
    .filter(Boolean);
  for (const pid of processes) process.kill(pid, 'SIGSTOP');
  execFileSync('cp', ['-Rp', living, copy]);
  for (const pid of processes) process.kill(pid, 'SIGCONT');
  rmSync(join(copy, 'postmaster.pid'));
  return copy;
}

async function putFolderBack(copy: string): Promise<void> {
  const living = livingCluster(service.host.folder);
  renameSync(living, `${living}.lost`);
  renameSync(copy, living);
  const { host, base } = service;
  const killed = host.pid();
  process.kill(killed, 'SIGKILL');
  await until(
    'PostgreSQL is back',
    async () => host.pid() !== killed && (await base.database.db.instance.count().catch(() => null)),
  );
}

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

test('the restore and its undo send nothing twice, and nothing that was withdrawn', async () => {
  const { base, tools } = service;
  await makeDatabaseSet(tools);
  const early = await base.submitDue('early@example.org');
  await base.draftIn('sent', early.id);
  const sendAt = inSeconds(45);
  const withdrawn = await base.submitDue('withdrawn@example.org', { sendAt });
  const copy = copyLivingFolder();
  const late = await base.submitDue('late@example.org');
  await base.draftIn('sent', late.id);
  await base.test.commands.withdrawDraft(base.author, { id: withdrawn.id });
  await untilAnchored();

  const { restoreId, handle } = await service.startRestore({ from: 'latest' }, false);
  await until('it is prepared', async () => (await handle.query(progress)).status === 'awaiting_confirmation' || null);
  await putFolderBack(copy);
  const { db } = base.database;
  expect(isRewound(await untilHeld(db))).toBe(true);
  await handle.signal(confirmSwitch, { actor: 'a test' });
  expect(await handle.result()).toMatchObject({ parked: 0, lost: { complete: false } });
  await service.reconcile(restoreId);
  const next = await base.submitDue('next@example.org');
  await base.draftIn('sent', next.id);
  expect((await base.draft(withdrawn.id)).status).toBe('withdrawn');
  expect((await base.draft(late.id)).status).toBe('sent');
  await expectSound();

  // Back to what was put back: there the mail that was withdrawn is still to be sent.
  const undone = await service.workflows.execute<typeof undoRestore>('undoRestore', {
    workflowId: undoWorkflowId(restoreId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ restoreId }],
  });
  expect(await db.draft.findUniqueOrThrow({ where: { id: withdrawn.id } })).toMatchObject({
    status: 'failed',
    failureCode: 'unconfirmed',
  });
  await service.reconcile(undone.restoreId, true);
  const last = await base.submitDue('last@example.org');
  await base.draftIn('sent', last.id);
  await until('all would be due', () => Date.now() > Date.parse(sendAt));
  await untilStill('no more mails go out', () => base.mail.accepted.length);
  expect(base.mail.acceptedFor('withdrawn@example.org')).toEqual([]);
  await expectSound();
});

/** A worker has anchored what was committed until now; each minute it does so by itself. */
async function untilAnchored(): Promise<void> {
  const { db } = service.base.database;
  const newest = await db.auditEvent.count();
  await until('the head is anchored', async () => {
    await db.auditProgress.updateMany({ data: { anchoredAt: new Date(0) } });
    return (await db.auditProgress.findUniqueOrThrow({ where: { id: 1 } })).anchored >= newest;
  });
}

/** No mail went out twice, mail is not held, and the audit trail is whole. */
async function expectSound(): Promise<void> {
  const { base, tools } = service;
  await expectEachMailOnce(base);
  const { db } = base.database;
  expect(await db.instance.findUniqueOrThrow({ where: { id: 1 } })).toMatchObject({ heldCode: null });
  await untilAnchored();
  await expectWholeTrail(db, tools.settings.BACKUP_URL);
}
