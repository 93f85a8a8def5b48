// Drafts on their way while a server they need is frozen or killed.
import type { OwnServer } from '../support/own-server';
import { isLongRun } from '../support/servers';
import type { TestService } from '../support/service';
import { until, untilStill } from '../support/until';

export const DRAFTS = isLongRun ? 600 : 60;
export const KILLS = isLongRun ? 6 : 1;

/** Half of the drafts go out by policy, half by a person's approval. */
export async function submitAll(service: TestService, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    if (i % 2) await service.submitDue(`reader-${i}@example.org`);
    else await service.approve(await service.submitForReview(`reader-${i}@example.org`));
  }
}

export const mailsAreOut = (service: TestService, count: number) =>
  until(`${count} mails are out`, () => service.mail.accepted.length >= count);

/** No mail goes out until it thaws. */
export async function freeze(
  service: TestService,
  server: OwnServer,
  meanwhile: () => Promise<void> = async () => {},
): Promise<void> {
  server.freeze();
  await untilStill('no more mails go out', () => service.mail.accepted.length);
  await meanwhile();
  expect(service.mail.accepted.length).toBeLessThan(DRAFTS);
  server.thaw();
}
