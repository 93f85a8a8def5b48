// A lane is one long activity of a run that moves from build to build: what becomes of it when its build changes.
import { expectEachMailOnce } from '../support/mail-count';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { makeCurrent } from './worker-builds';

/** So that either build sends a part of them. */
const MAILS = 60;

let service: TestService;
beforeEach(async () => {
  service = await TestService.create();
});
afterEach(() => service?.close());

const startBuild = (buildId: string) =>
  service.startWorker({ TEMPORAL_WORKER_BUILD_ID: buildId, WORKER_METRICS_PORT: '0' });

/** The builds that took the run's last task and hold its activity. */
async function builds() {
  const { raw } = await service.lane.describe();
  return {
    run: raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId,
    activity: raw.pendingActivities?.[0]?.lastDeploymentVersion?.buildId,
  };
}
async function submitDue(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await service.submitDue(`reader-${i}@example.org`);
}
const mailsAreOut = (count: number) => until(`${count} mails are out`, () => service.mail.accepted.length >= count);

it('its run moves at once, its activity stays and is taken over when the old worker ends, and each mail goes out once', async () => {
  const one = startBuild('one');
  await makeCurrent(service.temporal, 'one');
  service.mail.behave({ delay: 300 });
  await submitDue(MAILS / 2);
  await mailsAreOut(3);
  expect(await builds()).toEqual({ run: 'one', activity: 'one' });

  startBuild('two');
  await makeCurrent(service.temporal, 'two');
  await submitDue(MAILS / 2);
  await until('the run has moved', async () => (await builds()).run === 'two');
  expect(await builds()).toEqual({ run: 'two', activity: 'one' });
  expect(await one.stop()).toBe(0);
  await until('the other build has taken it over', async () => (await builds()).activity === 'two');
  await mailsAreOut(MAILS);
  await expectEachMailOnce(service);
  expect(service.mail.accepted).toHaveLength(MAILS);
});
