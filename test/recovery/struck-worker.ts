// What the tests share that kill or freeze the worker that holds the mail lane.
import { MOST_CONNECTIONS } from '../../activities/mail-delivery';
import { MAIL_LANE } from '../../workflows/contracts/lane';
import type { ServiceProcess } from '../support/processes';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until } from '../support/until';

export const DRAFTS = isLongRun ? 1500 : 80;
/** After how many mails the lane's worker is struck. */
export const STRIKES = isLongRun ? [1, 20, 100, 400, 900] : [20];

/** The lane's row is locked at that moment, so no draft can be opened between this record and the parking. */
const RECORD_OPEN_AT_TAKEOVER = [
  'CREATE TABLE open_at_takeover (id uuid, claim_owner uuid)',
  `CREATE FUNCTION record_open_at_takeover() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
     INSERT INTO open_at_takeover
       SELECT id, claim_owner FROM drafts WHERE status = 'sending' AND claim_owner <> NEW.owner;
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER record_open_at_takeover BEFORE UPDATE OF owner ON lanes
     FOR EACH ROW EXECUTE FUNCTION record_open_at_takeover()`,
];

interface Claimed {
  id: string;
  claimOwner: string | null;
}

/** A service whose mail server takes its time. Its database records which drafts are open at each takeover. */
export async function slowService(): Promise<TestService> {
  const service = await TestService.create();
  service.mail.behave({ delay: 60 });
  for (const statement of RECORD_OPEN_AT_TAKEOVER) await service.database.pool.query(statement);
  return service;
}

/** A worker that holds the lane, and one beside it that is to take over. */
export async function startHolder(service: TestService): Promise<ServiceProcess> {
  const holder = service.startWorker();
  await until('it holds the lane', async () => {
    const description = await service.lane.describe().catch(() => null);
    // The identity of the lane's activity names its process.
    return description?.raw.pendingActivities?.[0]?.lastWorkerIdentity?.startsWith(`${holder.pid}@`);
  });
  service.runWorker();
  return holder;
}

export const submitAll = (service: TestService) =>
  Promise.all(Array.from({ length: DRAFTS }, (_, i) => service.submitDue(`reader-${i}@example.org`)));

export const nextMailAfter = (service: TestService, count: number, withinMs?: number) =>
  until(`mail ${count + 1} arrives`, () => service.mail.accepted.length > count, withinMs);

/** More than what the one that was struck had on the way, which may still arrive. */
export const anotherGoesOn = (service: TestService) =>
  nextMailAfter(service, service.mail.accepted.length + MOST_CONNECTIONS, 15_000);

export async function ownerOf({ database }: TestService): Promise<string | null> {
  return (await database.db.lane.findUniqueOrThrow({ where: { name: MAIL_LANE } })).owner;
}

/** Returns the ids of the drafts that `owner` had open when another took over: one for each of its connections at most. */
export async function openAtTakeover({ database }: TestService, owner: string | null): Promise<string[]> {
  const { rows } = await database.pool.query<Claimed>('SELECT id, claim_owner AS "claimOwner" FROM open_at_takeover');
  expect(rows.filter(({ claimOwner }) => claimOwner !== owner)).toEqual([]);
  expect(rows.length).toBeLessThanOrEqual(MOST_CONNECTIONS);
  return rows.map(({ id }) => id).sort();
}
