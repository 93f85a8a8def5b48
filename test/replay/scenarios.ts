// What is recorded: runs of real processes against real servers, each to an end that users know.
import type { WorkflowHandle } from '@temporalio/client';
import type { DraftView } from '../../activities/commands/draft-view';
import type { auditRetention } from '../../workflows';
import { cleanupWorkflowId, DRAFT_RETENTION_SCHEDULE } from '../../workflows/contracts/draft-retention';
import { pause, resume } from '../../workflows/contracts/lane';
import { OPERATIONS_ID } from '../../workflows/contracts/operations';
import { personExportId } from '../../workflows/contracts/person-export';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { holdLock } from '../support/lock-holder';
import { AUTHOR, plantDraft, plantPeople } from '../support/old-drafts';
import { awaitPreview } from '../support/preview';
import { HASTY, type TestService } from '../support/service';
import { until } from '../support/until';

export interface Recorded {
  workflowId: string;
  /** Which run of it; without it the only one. */
  runId?: string;
}

type Scenario = (service: TestService) => Promise<Recorded>;

const ended = async (service: TestService, draft: DraftView): Promise<Recorded> => {
  const workflowId = `draft-${draft.id}`;
  const handle = service.temporal.client.workflow.getHandle(workflowId);
  await until('the process ends', async () => {
    const description = await handle.describe().catch(() => null);
    return description?.status.name === 'COMPLETED';
  });
  return { workflowId };
};
const waits = (service: TestService, draft: DraftView, status: string) =>
  until(`the process waits, ${status}`, async () => {
    const handle = service.temporal.client.workflow.getHandle(`draft-${draft.id}`);
    const state = await handle.query<{ status: string } | null>('state').catch(() => null);
    return state?.status === status;
  });

/** Of `PendingActivityState`. */
const STARTED = 2;

/** The lane's run at this moment, once it has ended. */
async function laneRun(service: TestService, act: () => Promise<unknown>): Promise<Recorded> {
  const { workflowId, runId } = await until('the lane’s activity runs', async () => {
    const description = await service.lane.describe().catch(() => null);
    return description?.raw.pendingActivities?.[0]?.state === STARTED && description;
  });
  await act();
  await until('the run has ended', async () => (await service.lane.describe()).runId !== runId);
  return { workflowId, runId };
}

/** A run of retention that was asked for, once it has ended in this way. */
async function cleanupRun(
  service: TestService,
  end: string,
  act: (workflowId: string) => Promise<unknown>,
): Promise<Recorded> {
  const cleanupId = await service.test.commands.startCleanup(service.test.admin, { olderThanDays: 90 });
  const workflowId = cleanupWorkflowId(cleanupId);
  await act(workflowId);
  await closed(service, workflowId, end);
  return { workflowId };
}

const closed = (service: TestService, workflowId: string, end: string) =>
  until(`it is ${end}`, async () => {
    const description = await service.temporal.client.workflow
      .getHandle(workflowId)
      .describe()
      .catch(() => null);
    return description?.status.name === end;
  });

/** An erasure, by its request's id, once it has ended. */
async function erasureRun(
  service: TestService,
  email: string,
  act: (requestId: string, context: TestService['test']['admin']) => Promise<unknown>,
): Promise<Recorded> {
  const { commands, admin } = service.test;
  const { requestId, workflowId } = await commands.requestErasure(admin, { email, grace: 'PT1H' });
  await waitsAs(service, workflowId, 'waiting');
  await awaitPreview(service.database.db, requestId);
  await act(requestId, admin);
  await closed(service, workflowId, 'COMPLETED');
  return { workflowId };
}

/** An export, once it has ended. */
async function exportRun(
  service: TestService,
  email: string,
  act: (handle: WorkflowHandle) => Promise<unknown> = async () => {},
): Promise<Recorded> {
  const { commands, admin } = service.test;
  const { id } = await commands.requestExport(admin, { email });
  const handle = service.temporal.client.workflow.getHandle(personExportId(id));
  await until('it runs', () => handle.describe().catch(() => null));
  await act(handle);
  await until('it has ended', async () => (await handle.describe()).status.name !== 'RUNNING');
  return { workflowId: handle.workflowId };
}

const waitsAs = (service: TestService, workflowId: string, status: string) =>
  until(`the process is ${status}`, async () => {
    const handle = service.temporal.client.workflow.getHandle(workflowId);
    const state = await handle.query<{ status: string } | null>('state').catch(() => null);
    return state?.status === status;
  });

const RELEASED: Record<string, Scenario> = {
  async 'audit-pruned'(service) {
    await service.database.pool.query(
      `INSERT INTO audit_events (id, type, at, subject) VALUES (gen_random_uuid(), 'old', now() - interval '400 days', 'draft')`,
    );
    await until('it is anchored', async () => {
      const { anchored } = await service.database.db.auditProgress.findUniqueOrThrow({ where: { id: 1 } });
      return anchored > 0n;
    });
    const workflowId = 'audit-retention-recorded';
    const options = { workflowId, taskQueue: TASK_QUEUES.processes, args: [{}] };
    await service.temporal.client.workflow.execute<typeof auditRetention>('auditRetention', options as never);
    return { workflowId };
  },
  async 'approved-and-sent'(service) {
    const draft = await service.submitForReview('approved@example.org');
    await waits(service, draft, 'pending_review');
    await service.approve(draft);
    return ended(service, draft);
  },
  async rejected(service) {
    const draft = await service.submitForReview('rejected@example.org');
    await waits(service, draft, 'pending_review');
    await service.test.commands.rejectDraft(service.approver, { id: draft.id, reason: 'no' });
    return ended(service, draft);
  },
  async expired(service) {
    const draft = await service.submitForReview('expired@example.org', { confidence: HASTY });
    return ended(service, draft);
  },
  async 'changed-and-approved'(service) {
    const draft = await service.submitForReview('changed@example.org');
    await waits(service, draft, 'pending_review');
    await service.test.commands.requestChanges(service.approver, { id: draft.id, comment: 'shorter' });
    await waits(service, draft, 'changes_requested');
    const revised = await service.test.commands.reviseDraft(service.author, {
      id: draft.id,
      revision: 1,
      body: 'Short.',
    });
    await waits(service, draft, 'pending_review');
    await service.approve(revised);
    return ended(service, draft);
  },
  async withdrawn(service) {
    const draft = await service.submitForReview('withdrawn@example.org');
    await waits(service, draft, 'pending_review');
    await service.test.commands.withdrawDraft(service.author, { id: draft.id });
    return ended(service, draft);
  },
  async 'parked-and-resolved'(service) {
    service.mail.behave({ final: 'rst' }, 'parked@example.org');
    const draft = await service.submitForReview('parked@example.org');
    await waits(service, draft, 'pending_review');
    await service.approve(draft);
    await waits(service, draft, 'failed');
    await service.test.commands.resolveDraft(service.approver, { id: draft.id, as: 'sent', reason: 'they answered' });
    return ended(service, draft);
  },
  'lane-shut-down': (service) =>
    laneRun(service, async () => {
      await Promise.all(service.processes.map((worker) => worker.stop()));
      service.startWorker();
    }),
  'lane-sending': (service) =>
    laneRun(service, async () => {
      for (let i = 0; i < 20; i++) await service.submitDue(`batch-${i}@example.org`);
    }),
  'lane-paused-and-resumed': (service) =>
    laneRun(service, async () => {
      const actor = service.approver.actor.id;
      await service.lane.signal(pause, { actor, note: actor });
      await until('no activity runs', async () => (await service.lane.describe()).raw.pendingActivities?.length === 0);
      await service.lane.signal(resume, { actor });
      // A lane that has worked returns within a minute.
      await service.submitDue('resumed@example.org');
    }),
  'lane-failing-service': (service) =>
    laneRun(service, async () => {
      service.mail.behave({ greeting: { code: 421 } });
      await service.submitDue('failing@example.org');
      await until('the service has failed twice', async () => {
        const lane = await service.database.db.lane.findUniqueOrThrow({ where: { name: 'email' } });
        return lane.failures >= 2;
      });
      service.mail.behave({});
    }),
  async 'retention-done'(service) {
    await plantPeople(service.database.db);
    await plantDraft(service.database.db);
    return cleanupRun(service, 'COMPLETED', async () => {});
  },
  async 'retention-cancelled'(service) {
    await plantPeople(service.database.db);
    await service.database.db.$executeRaw`
      INSERT INTO drafts (id, status, author_id, decision, created_at, updated_at, needs_people)
      SELECT gen_random_uuid(), 'sent', ${AUTHOR}::uuid, '{}', now() - interval '100 days', now(), false FROM generate_series(1, 100000)`;
    return cleanupRun(service, 'CANCELLED', async (workflowId) => {
      await until('some are erased', () => service.database.db.cleanup.findFirst({ where: { removed: { gt: 0 } } }));
      await service.temporal.client.workflow.getHandle(workflowId).cancel();
    });
  },
  async 'retention-by-schedule'(service) {
    const handle = service.temporal.client.schedule.getHandle(DRAFT_RETENTION_SCHEDULE);
    await until('the schedule is there', () => handle.describe().catch(() => null));
    await handle.trigger();
    const { action } = await until('it has started', async () => (await handle.describe()).info.recentActions.at(-1));
    const { workflowId } = action.workflow;
    await closed(service, workflowId, 'COMPLETED');
    return { workflowId };
  },
  async 'erasure-certified'(service) {
    await service.submitForReview('erased@example.org');
    return erasureRun(service, 'erased@example.org', (id, admin) => service.test.commands.confirmErasure(admin, id));
  },
  'erasure-cancelled': (service) =>
    erasureRun(service, 'cancelled@example.org', (id, admin) => service.test.commands.cancelErasure(admin, id)),
  async 'erasure-suspended'(service) {
    const { commands, admin } = service.test;
    const draft = await service.submitForReview('suspended@example.org');
    const hold = await commands.placeHold(admin, { draftId: draft.id, reason: 'evidence' });
    return erasureRun(service, 'suspended@example.org', async (id) => {
      await commands.extendErasure(admin, id, 'evidence');
      await commands.confirmErasure(admin, id);
      await waitsAs(service, `erasure-${id}`, 'suspended');
      await commands.releaseHold(admin, hold.id);
    });
  },
};

/** The same again, as it goes since erasure and retention take turns. */
const IN_TURNS = [
  'audit-pruned',
  'retention-done',
  'retention-cancelled',
  'retention-by-schedule',
  'erasure-certified',
  'erasure-suspended',
];

export const SCENARIOS: Record<string, Scenario> = {
  ...RELEASED,
  ...Object.fromEntries(IN_TURNS.map((name) => [`${name}-in-turns`, RELEASED[name] as Scenario])),
  async 'erasure-after-a-backup'(service) {
    await service.submitForReview('waiting@example.org');
    const backup = await holdLock(service.temporal);
    return erasureRun(service, 'waiting@example.org', async (id, admin) => {
      await service.test.commands.confirmErasure(admin, id);
      await waitsAs(service, `erasure-${id}`, 'erasing');
      await backup.release();
    });
  },
  async 'erasure-previewed'(service) {
    await service.submitForReview('previewed@example.org');
    const confirm: Parameters<typeof erasureRun>[2] = (id, admin) => service.test.commands.confirmErasure(admin, id);
    return erasureRun(service, 'previewed@example.org', confirm);
  },
  async 'export-ready'(service) {
    await service.submitForReview('exported@example.org');
    return exportRun(service, 'exported@example.org');
  },
  async 'export-cancelled'(service) {
    const [worker] = service.processes;
    await worker?.stop();
    service.startWorker({ HUBSPOT_ACCESS_TOKEN: 'of-nobody', HUBSPOT_BASE_URL: 'http://127.0.0.1:9' });
    return exportRun(service, 'cancelled@example.org', async (handle) => {
      await until('a store does not answer', async () => {
        const { raw } = await handle.describe();
        return (raw.pendingActivities?.[0]?.attempt ?? 0) > 1;
      });
      await handle.cancel();
    });
  },
  /** The lock's own: taken over, released, and open on. */
  async 'operations-taken-over'(service) {
    const gone = await until('a worker runs', () => holdLock(service.temporal, 'backup-gone').catch(() => null));
    await gone.end();
    await service.submitForReview('taken-over@example.org');
    await erasureRun(service, 'taken-over@example.org', (id, admin) => service.test.commands.confirmErasure(admin, id));
    return { workflowId: OPERATIONS_ID };
  },
};
