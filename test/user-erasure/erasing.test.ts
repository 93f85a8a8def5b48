// A person is erased by real processes: what goes, what stays, and what stands in the certificate.

import { deliverMessage } from '../../activities/outbox/message-delivery';
import { readErasure } from '../../activities/user-erasure/erasure-record';
import { until } from '../support/until';
import { ErasureService } from './erasure-service';

let service: ErasureService;

beforeAll(async () => {
  service = await ErasureService.create();
});
afterAll(() => service?.close());

const ADA = 'ada@customer.example';
const BOB = 'bob@customer.example';

describe('an erasure that is confirmed', () => {
  it('erases the person in every store, leaves everybody else, and certifies it', async () => {
    const { base } = service;
    base.runWorker();
    const toAda = await base.submitDue(ADA, { subject: 'For Ada alone', campaign: 'spring' });
    const toBob = await base.submitDue(BOB, { body: 'Dear Bob' });
    await base.draftIn('sent', toAda.id);
    await base.draftIn('sent', toBob.id);
    const open = await base.submitForReview('Ada@CUSTOMER.example');
    const mentioning = await base.submitForReview(BOB, {
      body: `Please write to ${ADA.toUpperCase()} too`,
      replyTo: ADA,
    });
    await base.approve(await base.submitForReview('carol@customer.example'));

    const erasure = await service.request(ADA);
    expect(erasure).toMatchObject({
      status: 'waiting',
      workflowId: `erasure-${erasure.requestId}`,
      preview: null,
    });
    expect(await service.preview(erasure.requestId)).toContainEqual({
      store: 'postgres',
      erase: 2,
      anonymise: 2,
      withhold: 0,
      ground: null,
    });
    expect((await base.draft(open.id)).status).toBe('pending_review');

    await service.commands.confirmErasure(service.admin, erasure.requestId);
    const done = await service.ended(erasure.requestId);
    expect(done.status).toBe('certified');

    const gone = { status: 'erased', to: null, subject: null, body: null, replyTo: null, metadata: null };
    expect(await base.draft(toAda.id)).toMatchObject({ ...gone, campaign: 'spring' });
    expect(await base.draft(open.id)).toMatchObject(gone);
    expect(await base.draft(toBob.id)).toMatchObject({ status: 'sent', to: BOB, body: 'Dear Bob' });
    expect(await base.draft(mentioning.id)).toMatchObject({
      status: 'pending_review',
      revision: 2,
      body: 'Please write to [erased] too',
      replyTo: null,
    });
    const record = await readErasure(base.database.db, erasure.requestId);
    expect(record?.sealed).toBeNull();
    await expect(base.temporal.client.workflow.getHandle(`draft-${open.id}`).describe()).rejects.toThrow();
  });
});

describe('an erasure whose workflow somebody has terminated', () => {
  it('goes on in a new run, and a late message does nothing to one that has ended', async () => {
    const { base } = service;
    const { requestId, workflowId } = await service.request('terminated@customer.example', 'PT1H');
    const handle = base.temporal.client.workflow.getHandle(workflowId);
    const status = () =>
      handle.describe().then(
        ({ status }) => status.name,
        () => null,
      );
    await until('it runs', async () => (await status()) === 'RUNNING');
    await handle.terminate('by mistake');
    base.runWorker({ WORKER_METRICS_PORT: '0' });
    await until('it runs again', async () => (await status()) === 'RUNNING');
    await service.preview(requestId);
    await service.commands.confirmErasure(service.admin, requestId);
    expect((await service.ended(requestId)).status).toBe('certified');
    await until('it has ended', async () => (await status()) === 'COMPLETED');
    const state = { generation: 1, version: 1, status: 'waiting' };
    await deliverMessage(base.temporal.client, { process: 'userErasure', entityId: requestId, state });
    await until('it has ended again', async () => (await status()) === 'COMPLETED');
    expect((await service.look(requestId)).status).toBe('certified');
  });
});
