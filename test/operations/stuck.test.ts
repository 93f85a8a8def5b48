// What is stuck on three services at once, against what Temporal itself says of each process.
import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HUBSPOT_LANE, laneId, MAIL_LANE } from '../../workflows/contracts/lane';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { userErasureId } from '../../workflows/contracts/user-erasure';
import { TestApi } from '../api/test-api';
import { HUBSPOT_TOKEN, type HubspotServer, startHubspotServer } from '../support/hubspot-server';
import { until } from '../support/until';
import { openWay, type Way } from '../support/way';
import { ErasureService } from '../user-erasure/erasure-service';

const NOBODY = 'http://127.0.0.1:9';
const UI = 'https://temporal.example.com';
const EACH = { hubspot: 20, file_store: 15, email: 15 };

let hubspot: HubspotServer;
let way: Way;
let service: ErasureService;
let api: TestApi;
beforeAll(async () => {
  hubspot = await startHubspotServer();
  way = await openWay(hubspot.url);
  const environment = { HUBSPOT_ACCESS_TOKEN: HUBSPOT_TOKEN, HUBSPOT_BASE_URL: way.urlOf(hubspot.url) };
  service = await ErasureService.create({ environment });
  const { database, temporal } = service.base;
  const settings = { TEMPORAL_UI_URL: UI };
  api = await TestApi.create({ database, temporal, settings });
});
afterAll(async () => {
  await api?.close();
  await service?.close();
  await way?.close();
  await hubspot?.close();
});

const look = async (of = api) => (await of.admin.get('/api/ops/stuck')).body;
const byService = (items: { service: string; id: string }[]) =>
  Object.fromEntries(
    Object.keys(EACH).map((name) => [
      name,
      items
        .filter(({ service }) => service === name)
        .map(({ id }) => id)
        .sort(),
    ]),
  );

/** Whether Temporal itself says that a step of it has failed and is pending. */
async function fails(requestId: string): Promise<boolean> {
  const handle = service.base.temporal.client.workflow.getHandle(userErasureId(requestId));
  // It may not have been told yet.
  const described = await handle.describe().catch(() => null);
  return (
    described?.raw.pendingActivities?.some(
      ({ activityType, lastFailure }) => activityType?.name !== 'acquireOperations' && lastFailure,
    ) ?? false
  );
}
async function stuckErasures(count: number, name: string): Promise<string[]> {
  const requests = Array.from({ length: count }, (_, i) => service.request(`${name}-${i}@customer.example`, 'PT0S'));
  const ids = (await Promise.all(requests)).map(({ requestId }) => requestId);
  await until(`${count} steps fail at ${name}`, async () => (await Promise.all(ids.map(fails))).every(Boolean));
  return ids.map(userErasureId).sort();
}

/** While an attempt runs there is no next one yet. */
const waitsAtHubspot = ({ service, nextAttemptAt }: { service: string; nextAttemptAt: string | null }) =>
  service === 'hubspot' && nextAttemptAt !== null;

/** Nothing can be opened below a link that leads to itself. */
function breakFileStore(): () => void {
  const folder = fileURLToPath(service.base.environment.FILES_URL as string);
  renameSync(folder, `${folder}-aside`);
  symlinkSync(folder, folder);
  return () => {
    rmSync(folder);
    renameSync(`${folder}-aside`, folder);
  };
}

it('lists exactly what is stuck, within 5 s, says what it could not ask, and is empty after healing', async () => {
  const { base } = service;
  const { pool } = base.database;
  expect(await look()).toEqual({
    items: [],
    more: false,
    complete: true,
    sources: { postgresql: 'ready', temporal: 'ready' },
  });

  way.turnTo(NOBODY);
  base.mail.behave({ rcpt: { code: 450 } });
  base.runWorker();
  const mails: string[] = [];
  for (let i = 0; i < EACH.email; i++) mails.push((await base.submitDue(`refusing-${i}@example.org`)).id);
  const atHubspot = await stuckErasures(EACH.hubspot, 'hubspot');
  // A file that has not been looked through yet holds up the preview of every erasure.
  await base.endWorkers();
  await base.submitForReview('files@customer.example', { attachments: [await service.upload('A file')] });
  const repairFileStore = breakFileStore();
  base.runWorker();
  const atFiles = await stuckErasures(EACH.file_store, 'files');
  const expected = { hubspot: atHubspot, file_store: atFiles, email: mails.sort() };

  const stuck = await until(
    'the list is exact',
    async () => {
      const answer = await look();
      const exact = JSON.stringify(byService(answer.items)) === JSON.stringify(expected);
      return exact && answer.items.some(waitsAtHubspot) ? answer : null;
    },
    5_000,
  );
  expect(stuck.items).toHaveLength(50);
  expect(stuck).toMatchObject({ more: false, complete: true });
  const item = stuck.items.find(waitsAtHubspot);
  expect(item).toEqual({
    process: 'userErasure',
    id: item.id,
    service: 'hubspot',
    since: expect.any(String),
    attempts: expect.any(Number),
    code: 'hubspot_away',
    reason: 'HubSpot does not answer.',
    nextAttemptAt: expect.any(String),
    deadline: expect.any(String),
    link: `${UI}/namespaces/${base.temporal.namespace}/workflows/${item.id}`,
  });
  const [mail] = stuck.items.filter(({ service }: { service: string }) => service === 'email');
  expect(mail).toMatchObject({
    process: 'mailDelivery',
    attempts: expect.any(Number),
    deadline: null,
    link: expect.stringContaining(laneId(MAIL_LANE)),
  });

  const { text } = await api.admin.get('/ops/stuck').expect('Content-Type', /html/);
  expect(text).toContain('<h1>50 stuck</h1>');
  for (const { id } of stuck.items) expect(text).toContain(id);

  // Each source that does not answer is named, and the other one's answer is there.
  const away = await TestApi.create({ database: base.database });
  const withoutTemporal = await look(away);
  expect(withoutTemporal).toMatchObject({ complete: false, sources: { postgresql: 'ready' } });
  expect(withoutTemporal.sources.temporal).not.toBe('ready');
  expect(byService(withoutTemporal.items).email).toHaveLength(EACH.email);
  await pool.query('ALTER TABLE failing_steps RENAME TO failing_steps_away');
  const withoutTable = await until('the table is missed', async () => {
    const answer = await look();
    return answer.complete ? null : answer;
  });
  expect(withoutTable.sources).toEqual({ postgresql: 'could not be asked', temporal: 'ready' });
  expect((await api.admin.get('/ops/stuck')).text).toContain('PostgreSQL could not be asked');
  await pool.query('ALTER TABLE failing_steps_away RENAME TO failing_steps');
  await away.close();

  // One that an operator ends is not stuck any more, though no worker hears of it.
  const [ended, ...others] = atHubspot as [string, ...string[]];
  await base.temporal.client.workflow.getHandle(ended).terminate('by the test');
  await until(
    'it is not listed',
    async () => JSON.stringify(byService((await look()).items).hubspot) === JSON.stringify(others),
    10_000,
  );

  // A reset of HubSpot reaches its lane too, whose worker may not have started it yet.
  await base.temporal.client.workflow.start('crmSync', {
    workflowId: laneId(HUBSPOT_LANE),
    taskQueue: TASK_QUEUES.processes,
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  way.turnTo(hubspot.url);
  repairFileStore();
  base.mail.behave({});
  await base.database.db.draft.updateMany({ where: { id: { in: mails } }, data: { nextAttemptAt: new Date() } });
  for (const name of ['hubspot', 'file_store']) {
    expect((await api.admin.post(`/api/circuit-breakers/reset/${name}`)).status).toBe(200);
  }
  await until('nothing is stuck', async () => (await look()).items.length === 0, 120_000);
  expect(base.mail.accepted).toHaveLength(EACH.email);
  const { breakers } = (await api.anyone.get('/api/circuit-breakers/status')).body;
  expect([breakers.hubspot.state, breakers.file_store.state]).toEqual(['closed', 'closed']);
});
