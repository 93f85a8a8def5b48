// The mail lane: sends the mails that are due.
import { proxyActivities } from '@temporalio/workflow';
import type { MailDeliveryActivities } from '../activities/mail-delivery';
import type { LaneInput } from './contracts/lane';
import { runLane } from './lane';
import { MAIL_LANE } from './profiles';

const { deliverMail } = proxyActivities<MailDeliveryActivities>(MAIL_LANE);

export async function mailDelivery(input: LaneInput = {}): Promise<never> {
  return runLane(input, deliverMail, 'mail server');
}
