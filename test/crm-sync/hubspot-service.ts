// A Countersign with a HubSpot beside it, for the tests of the HubSpot lane.
import { HUBSPOT_LANE, laneId } from '../../workflows/contracts/lane';
import { HUBSPOT_TOKEN, type HubspotServer, startHubspotServer } from '../support/hubspot-server';
import { TestService } from '../support/service';
import { until } from '../support/until';

export class HubspotService {
  private constructor(
    readonly hubspot: HubspotServer,
    readonly service: TestService,
  ) {}

  static async create(environment: Record<string, string> = {}): Promise<HubspotService> {
    const hubspot = await startHubspotServer();
    const own = { HUBSPOT_ACCESS_TOKEN: HUBSPOT_TOKEN, HUBSPOT_BASE_URL: hubspot.url };
    return new HubspotService(hubspot, await TestService.create({ environment: { ...own, ...environment } }));
  }

  get db() {
    return this.service.database.db;
  }
  get lane() {
    return this.service.temporal.client.workflow.getHandle(laneId(HUBSPOT_LANE));
  }
  /** How many items have each status. */
  async tally(): Promise<Record<string, number>> {
    const groups = await this.db.crmSync.groupBy({ by: ['status'], _count: true });
    return Object.fromEntries(groups.map(({ status, _count }) => [status, _count]));
  }
  /** Until so many mails are logged and no item waits. */
  logged(count: number, withinMs = 90_000): Promise<unknown> {
    return until(`${count} mails are logged`, async () => (await this.tally()).logged === count, withinMs);
  }
  /** Puts mails that were sent into the lane's table, as the mail lane leaves them. @returns their drafts' ids */
  async leaveSent(recipients: string[]): Promise<string[]> {
    const ids: string[] = [];
    await this.db.lane.update({ where: { name: HUBSPOT_LANE }, data: { enabled: true } });
    for (const to of recipients) {
      const { id } = await this.service.submitDue(to);
      ids.push(id);
    }
    await this.db.$executeRaw`
      UPDATE drafts SET status = 'sending', next_attempt_at = NULL, message_id = '<' || id || '@example.com>' WHERE id = ANY (${ids}::uuid[])`;
    await this.db.$executeRaw`
      UPDATE drafts SET status = 'sent', outcome = 'delivered', sent_at = clock_timestamp() WHERE id = ANY (${ids}::uuid[])`;
    return ids;
  }
  row() {
    return this.db.lane.findUniqueOrThrow({ where: { name: HUBSPOT_LANE } });
  }
  /** Message ids that HubSpot has more than once. */
  get repeated(): string[] {
    const ids = this.hubspot.emails.map(({ properties }) => properties.hs_email_message_id as string);
    return ids.filter((id, n) => ids.indexOf(id) !== n);
  }

  async close(): Promise<void> {
    await this.service.close();
    await this.hubspot.close();
  }
}
