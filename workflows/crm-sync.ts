// The HubSpot lane: logs the mails that were sent on the contacts of their recipients.
import { proxyActivities } from '@temporalio/workflow';
import type { CrmSyncActivities } from '../activities/crm-sync';
import type { LaneInput } from './contracts/lane';
import { runLane } from './lane';
import { HUBSPOT_LANE } from './profiles';

const { syncMails } = proxyActivities<CrmSyncActivities>(HUBSPOT_LANE);

export async function crmSync(input: LaneInput = {}): Promise<never> {
  return runLane(input, syncMails, 'CRM');
}
