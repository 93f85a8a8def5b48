// Workers of two builds side by side, as in a rolling upgrade: what takes minutes ends where it began, all else moves on.
import { startBackup } from '../../ops/recovery/runs';
import { backupWorkflowId } from '../../workflows/contracts/backup';
import { draftApprovalId } from '../../workflows/contracts/draft-approval';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { makeCurrent } from './worker-builds';

let service: TestService;
beforeAll(async () => {
  service = await TestService.create();
});
afterAll(() => service?.close());

const startBuild = (buildId: string) => service.runWorker({ TEMPORAL_WORKER_BUILD_ID: buildId });

/** Which build took its last task, and whether it may move. */
async function buildOf(workflowId: string) {
  const { raw } = await service.temporal.client.workflow.getHandle(workflowId).describe();
  const { behavior, deploymentVersion } = raw.workflowExecutionInfo?.versioningInfo ?? {};
  return { behavior, build: deploymentVersion?.buildId };
}
const [PINNED, AUTO_UPGRADE] = [1, 2];

it('a backup ends on the build that it began on; an approval goes on with the next, and its mail goes out', async () => {
  const { client } = service.temporal;
  startBuild('one');
  await makeCurrent(service.temporal, 'one');
  const draft = await service.submitForReview('reader@example.org');
  await until('its process runs', () => buildOf(draftApprovalId(draft.id)).catch(() => null));
  const setId = await startBackup(client, { kind: 'full', parts: ['files'] });
  const backup = client.workflow.getHandle(backupWorkflowId(setId));
  // Nobody here has the tools for a backup, so it waits.
  await until('it has begun', async () => ((await backup.describe()).raw.pendingActivities?.length ?? 0) > 0);

  startBuild('two');
  await makeCurrent(service.temporal, 'two');
  await service.approve(draft);
  await service.draftIn('sent', draft.id);
  await until(
    'its process ends',
    async () => (await client.workflow.getHandle(draftApprovalId(draft.id)).describe()).status.name === 'COMPLETED',
  );
  expect(await buildOf(draftApprovalId(draft.id))).toEqual({ behavior: AUTO_UPGRADE, build: 'two' });
  await backup.cancel();
  await until('it has heard of it', async () => {
    const { events } = await backup.fetchHistory();
    const asked = events?.findIndex((event) => event.workflowExecutionCancelRequestedEventAttributes) ?? -1;
    return asked >= 0 && events?.slice(asked).some((event) => event.workflowTaskCompletedEventAttributes);
  });
  expect(await buildOf(backup.workflowId)).toEqual({ behavior: PINNED, build: 'one' });
  expect(service.mail.accepted).toHaveLength(1);
});
