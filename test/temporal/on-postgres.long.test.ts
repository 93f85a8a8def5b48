// The main job on Temporal's production server, which keeps everything in PostgreSQL: the settings and scripts of the compose
// file, a namespace that only the worker prepares, and servers that are killed.
import { Client } from '@temporalio/client';
import { createTemporalSource } from '../../activities/erasure-scan';
import { readMarkInTemporal } from '../../activities/lane/watermark';
import { endGoneProcesses } from '../../activities/outbox/gone-processes';
import { readLastCompleted, readOverBudget } from '../../activities/process-runs';
import { type KnownState, readKnownStates } from '../../activities/rewind/histories';
import { startPostgres } from '../../ops/local/postgres';
import { listRuns } from '../../ops/recovery/runs';
import { RETENTION_DAYS, readRetentionDays } from '../../ops/runtime/temporal-namespace';
import { draftApprovalId } from '../../workflows/contracts/draft-approval';
import { SCHEDULED_PROCESSES } from '../../workflows/contracts/duration-budgets';
import { laneId, MAIL_LANE } from '../../workflows/contracts/lane';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes';
import { scanOne } from '../erasure-scan/scan-one';
import { mailsAreOut, submitAll } from '../recovery/struck-server';
import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import { OwnServer } from '../support/own-server';
import { TestService } from '../support/service';
import { startTemporalOnPostgres, type TemporalOnPostgres } from '../support/temporal-on-postgres';
import { until } from '../support/until';

const NAMESPACE = 'countersign';
const DRAFTS = 120;

let postgres: OwnServer;
let temporal: TemporalOnPostgres;
let service: TestService;
let client: Client;
beforeAll(async () => {
  postgres = await OwnServer.start(startPostgres, 'temporal-postgres');
  temporal = await startTemporalOnPostgres(postgres.url);
  await temporal.createNamespace(NAMESPACE);
  service = await TestService.create({
    temporalAddress: temporal.server.address,
    environment: { TEMPORAL_NAMESPACE: NAMESPACE },
  });
  client = new Client({ connection: service.temporal.client.connection, namespace: NAMESPACE });
});
afterAll(async () => {
  await service?.close();
  await temporal?.server.stop();
  await postgres?.stop();
});

const count = async (query: string) => (await client.workflow.count(query)).count;

it('makes the schema and the namespace once, and again does nothing', async () => {
  await temporal.upgradeSchema();
  await temporal.createNamespace(NAMESPACE);
  expect(await readRetentionDays(client.connection, NAMESPACE)).toBe(RETENTION_DAYS);
});

it('sends what a person approved and what policy approved, each once, and has its search attributes from the worker', async () => {
  const worker = service.startWorker();
  const byPolicy = await service.submitDue('policy@example.org');
  const byPerson = await service.approve(await service.submitForReview('person@example.org'));
  for (const { id } of [byPolicy, byPerson]) await service.draftIn('sent', id);
  expect(service.mail.acceptedFor('policy@example.org')).toHaveLength(1);
  expect(service.mail.acceptedFor('person@example.org')).toHaveLength(1);
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace: NAMESPACE });
  expect(Object.keys(customAttributes ?? {})).toEqual(
    expect.arrayContaining(SEARCH_ATTRIBUTES.map(({ name }) => name)),
  );
  expect(await worker.stop()).toBe(0);
});

it('answers what the service and its operators ask of the visibility', async () => {
  const since = new Date(Date.now() - 3_600_000);
  service.runWorker();
  const open = await service.submitForReview('waiting@example.org');
  const [sent] = await service.database.db.draft.findMany({ where: { status: 'sent', needsPeople: true } });
  const workflowId = draftApprovalId(open.id);
  await until('the waiting draft is listed', async () => (await count(`WorkflowId = '${workflowId}'`)) === 1);
  await until(
    'it is found by its attributes',
    async () => (await count(`DraftStatus = 'pending_review' AND Process = 'draftApproval'`)) === 1,
  );

  await until('it alone is open', async () => {
    const overBudget = await readOverBudget(client, 10, { draftApproval: 0 });
    return overBudget.length === 1 && overBudget[0]?.workflowId === workflowId;
  });
  expect([...(await readLastCompleted(client)).keys()]).toEqual(SCHEDULED_PROCESSES);
  expect((await listRuns(client, 'mailDelivery', true)).map((run) => run.workflowId)).toEqual([laneId(MAIL_LANE)]);
  const states: KnownState[] = [];
  for await (const batch of readKnownStates(client, 'draftApproval', since)) states.push(...batch);
  expect(states.map(({ id, status }) => [id, status])).toEqual(expect.arrayContaining([[open.id, 'pending_review']]));
  expect(await readMarkInTemporal(client, MAIL_LANE)).not.toBeNull();
  await endGoneProcesses(service.database.db, client);
  expect((await client.workflow.getHandle(workflowId).describe()).status.name).toBe('RUNNING');
  expect(await scanOne(createTemporalSource(client, NAMESPACE), 'person@example.org')).toMatchObject({ findings: 0 });

  const gone = draftApprovalId(sent?.id ?? '');
  await client.workflowService.deleteWorkflowExecution({
    namespace: NAMESPACE,
    workflowExecution: { workflowId: gone },
  });
  await until('a deleted run is listed no more', async () => (await count(`WorkflowId = '${gone}'`)) === 0);
  await service.approve(open);
  await service.draftIn('sent', open.id);
  await service.endWorkers();
});

it('loses nothing and sends nothing twice while Temporal is killed, then its whole machine', async () => {
  service.mail.behave({ delay: 30 });
  const before = service.mail.accepted.length;
  // As in production: a machine that is short of processor must not look like a lost answer.
  service.startWorker({ SMTP_URL: service.mail.url });
  await submitAll(service, 0, DRAFTS / 2);
  await mailsAreOut(service, before + 5);
  await temporal.server.kill();
  await submitAll(service, DRAFTS / 2, (DRAFTS * 3) / 4);
  await temporal.server.startAgain();
  await mailsAreOut(service, before + DRAFTS / 4);
  await temporal.server.kill();
  await postgres.kill();
  await submitAll(service, (DRAFTS * 3) / 4, DRAFTS);
  await postgres.startAgain();
  await temporal.server.startAgain();
  expect(await everyDraftEnds(service, 300_000)).toEqual([]);
  await expectEachMailOnce(service);
  expect(service.mail.accepted).toHaveLength(before + DRAFTS);
});
