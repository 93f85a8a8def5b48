// An export from the request to its end, by a real worker.
import { buffer } from 'node:stream/consumers';
import { sweepExports } from '../../activities/person-export/removal';
import { problem } from '../api/test-api';
import { HUBSPOT_TOKEN, type HubspotServer, startHubspotServer } from '../support/hubspot-server';
import { until } from '../support/until';
import { ExportService } from './export-service';

let service: ExportService;
let hubspot: HubspotServer;
beforeAll(async () => {
  hubspot = await startHubspotServer();
  const environment = { HUBSPOT_ACCESS_TOKEN: HUBSPOT_TOKEN, HUBSPOT_BASE_URL: hubspot.url };
  service = await ExportService.create({ environment });
});
afterAll(async () => {
  await service?.close();
  await hubspot?.close();
});

const audited = () =>
  service.db.auditEvent.findMany({ where: { type: 'person.exported' }, orderBy: { position: 'asc' } });
const row = (id: string) => service.db.personExport.findUniqueOrThrow({ where: { id } });

it('is accepted at once, cannot be read before the worker has prepared it, and is audited once it is ready', async () => {
  const email = 'first@customer.example';
  const draft = await service.base.submitForReview(email, { subject: 'For her', body: 'Dear "first" \\ \u2028' });
  const accepted = await service.api.admin.post('/api/gdpr/exports').send({ email: 'First@CUSTOMER.example' });
  expect([accepted.status, accepted.headers.location]).toEqual([202, `/api/gdpr/exports/${accepted.body.id}`]);
  const { id } = accepted.body;
  const pending = { id, status: 'pending', expiresAt: null, size: null, items: null, failure: null };
  expect(accepted.body).toEqual({ ...pending, createdAt: expect.any(String) });
  const early = await service.content(id);
  expect([early.body, early.headers['retry-after']]).toEqual([problem('export-pending', 409), '1']);
  expect(await audited()).toEqual([]);
  expect(JSON.stringify(await row(id))).not.toContain('first@');

  service.base.runWorker();
  const ready = await service.in('ready', id);
  expect(ready).toMatchObject({ items: 2, failure: null });
  const kept = Date.parse(ready.expiresAt as string) - Date.parse(ready.createdAt);
  expect(kept / 3_600_000).toBeGreaterThan(23.9);
  const { status, headers, text, body } = await service.content(id);
  expect([status, headers['content-length'], headers['content-type']]).toEqual([
    200,
    String(ready.size),
    'application/json; charset=utf-8',
  ]);
  expect(headers['content-disposition']).toContain(`export-${id}.json`);
  expect(Buffer.byteLength(text)).toBe(ready.size);
  expect(body.stores.map(({ store }: { store: string }) => store)).toEqual([
    'postgres',
    'attachments',
    'redis',
    'hubspot',
    'mailbox',
    'temporal',
  ]);
  const [item] = body.stores[0].items;
  expect(item).toMatchObject({ kind: 'draft', draft: { id: draft.id, to: email, status: 'pending_review' } });
  expect(item.revisions).toEqual([
    { revision: 1, subject: 'For her', body: 'Dear "first" \\ \u2028', html: null, createdAt: expect.any(String) },
  ]);
  expect(item.events).toMatchObject([{ type: 'draft.submitted' }]);
  expect(text.split('For her')).toHaveLength(2);
  expect(await audited()).toMatchObject([{ subject: 'person', subjectId: null, data: { items: 2 } }]);
});

it('can be asked for with the address in the path', async () => {
  for (const method of ['get', 'post'] as const) {
    const { status, headers, body } = await service.api.admin[method](
      '/api/gdpr/user/nobody%40customer.example/export',
    );
    expect([status, headers.location]).toEqual([202, `/api/gdpr/exports/${body.id}`]);
    expect(await service.in('ready', body.id)).toMatchObject({ items: 0 });
    const { stores } = (await service.content(body.id)).body;
    expect(stores.flatMap(({ items }: { items: unknown[] }) => items)).toEqual([]);
  }
});

it('lies encrypted, as an object whose key only its row has', async () => {
  const email = 'sealed@customer.example';
  await service.base.submitForReview(email, { body: 'a planted word' });
  const id = await service.request(email);
  await service.in('ready', id);
  const [key = ''] = (await service.objects()).filter((one) => one.startsWith(`exports/${id}.`));
  const bytes = (await buffer(await service.files.get(key))).toString('latin1');
  for (const word of [email, 'planted', 'generatedAt']) expect(bytes).not.toContain(word);
});

it('is gone a day after it was ready: at once for who asks, and its object with the next sweep', async () => {
  const id = await service.request('expired@customer.example');
  await service.in('ready', id);
  await service.db.personExport.update({ where: { id }, data: { expiresAt: new Date() } });
  expect(await service.look(id)).toMatchObject({ status: 'expired' });
  expect((await service.content(id)).body).toEqual(problem('expired', 410));
  await sweepExports(service.db, service.files);
  expect((await service.objects()).filter((key) => key.includes(id))).toEqual([]);
  expect(await row(id)).toMatchObject({ status: 'expired', sealed: null, subjectHashes: [] });
  expect(await service.look(id)).toMatchObject({ status: 'expired', expiresAt: expect.any(String) });
});

it('waits for a store that does not answer, and leaves no half of it', async () => {
  const email = 'away@customer.example';
  await service.base.submitForReview(email);
  hubspot.contacts.push({ id: '7', properties: { email } });
  const [before] = [await audited()];
  for (let i = 0; i < 2; i++) hubspot.answerNext('contacts/search', { status: 503 });
  const id = await service.request(email);
  const handle = service.base.temporal.client.workflow.getHandle(`export-${id}`);
  await until('it is tried again', async () => {
    const description = await handle.describe().catch(() => null);
    return (description?.raw.pendingActivities?.[0]?.attempt ?? 0) > 1;
  });
  expect(await audited()).toHaveLength(before.length);
  const { items } = await service.in('ready', id);
  const { stores } = (await service.content(id)).body;
  expect(stores.find(({ store }: { store: string }) => store === 'hubspot').items).toMatchObject([{ id: '7' }]);
  expect(items).toBe(3);
  expect((await service.objects()).filter((key) => key.includes(id))).toHaveLength(1);
});

it('that has failed says so, with the code', async () => {
  const { readExportState, failExport } = service.activities();
  const { id } = await service.db.personExport.create({
    data: {
      id: '01900000-0000-7000-8000-0000000000aa',
      status: 'pending',
      subjectHashes: [],
      sealed: null,
      requestedBy: service.erasures.admin.actor.id,
      createdAt: new Date(),
    },
  });
  await failExport({ exportId: id, code: 'hubspot_away' });
  await failExport({ exportId: id, code: 'another' });
  expect(await readExportState(id)).toMatchObject({ status: 'failed' });
  expect(await service.look(id)).toMatchObject({ status: 'failed', failure: 'hubspot_away' });
  expect((await service.content(id)).body).toEqual(problem('export-failed', 409));
});

it('is an admin’s alone, and nothing that can be found by another id', async () => {
  const author = await service.api.person('only an author', 'author', 'approver', 'ops');
  const nobody = '/api/gdpr/exports/01900000-0000-7000-8000-000000000000';
  for (const path of [nobody, `${nobody}/content`]) {
    expect((await author.get(path)).status).toBe(403);
    expect((await service.api.admin.get(path)).body).toEqual(problem('not-found', 404));
  }
  expect((await author.post('/api/gdpr/exports').send({ email: 'x@customer.example' })).status).toBe(403);
});

it('leaves an event for each download', async () => {
  const id = await service.request('downloaded@customer.example');
  await service.in('ready', id);
  await service.content(id);
  await service.api.admin.head(`/api/gdpr/exports/${id}/content`);
  await service.content(id);
  expect(await service.db.auditEvent.count({ where: { type: 'export.downloaded', subjectId: id } })).toBe(2);
});
