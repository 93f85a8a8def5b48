// A Countersign with a HubSpot beside it, for the tests of the HubSpot lane.
import { uuidv7 } from 'uuidv7';
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
  /** Leaves mails that were sent, as the mail lane does. @returns their drafts' ids */
  async leaveSent(recipients: string[]): Promise<string[]> {
    await this.db.lane.update({ where: { name: HUBSPOT_LANE }, data: { enabled: true } });
    const like = await this.service.submitDue('somebody@example.org');
    const mails = recipients.map((to) => ({ id: uuidv7(), to }));
    await this.db.$executeRaw`
      INSERT INTO drafts SELECT (jsonb_populate_record(d, jsonb_build_object('id', m.id, 'to', m."to", 'status', 'sending',
        'next_attempt_at', NULL, 'message_id', '<' || m.id || '@example.com>', 'idempotency_key', NULL))).*
      FROM drafts d, jsonb_to_recordset(${JSON.stringify(mails)}::jsonb) AS m (id uuid, "to" text) WHERE d.id = ${like.id}::uuid`;
    await this.db.$executeRaw`
      INSERT INTO revisions SELECT (jsonb_populate_record(r, jsonb_build_object('draft_id', m.id))).*
      FROM revisions r, jsonb_to_recordset(${JSON.stringify(mails)}::jsonb) AS m (id uuid) WHERE r.draft_id = ${like.id}::uuid`;
    await this.service.test.commands.withdrawDraft(this.service.author, { id: like.id });
    await this.db.$executeRaw`
      UPDATE drafts SET status = 'sent', outcome = 'delivered', sent_at = clock_timestamp() WHERE status = 'sending'`;
    return mails.map(({ id }) => id);
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
