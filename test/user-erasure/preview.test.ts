// The preview follows the answer: the worker asks the stores, and the row says what they hold.
import { TestApi } from '../api/test-api';
import { SETTINGS } from '../support/commands';
import { until } from '../support/until';
import { ErasureService } from './erasure-service';

let service: ErasureService;
let api: TestApi;
beforeAll(async () => {
  const environment = { HUBSPOT_ACCESS_TOKEN: 'of-nobody', HUBSPOT_BASE_URL: 'http://127.0.0.1:9' };
  service = await ErasureService.create({ environment });
  const { database, temporal } = service.base;
  api = await TestApi.create({ database, temporal, settings: { SECRET_KEY: SETTINGS.SECRET_KEY } });
});
afterAll(async () => {
  await api?.close();
  await service?.close();
});

interface Entry {
  store: string;
  erase: number;
  ground: string | null;
}
const request = async (email: string) => (await api.admin.post('/api/gdpr/erasures').send({ email })).body;
const look = async (id: string) => (await api.admin.get(`/api/gdpr/erasures/${id}`)).body;
const previewOf = (id: string): Promise<Entry[]> => until('it has a preview', async () => (await look(id)).preview);
const EVENT = { type: 'erasure.previewed' };

it('is null at first, and then says what each store holds; one that is away says so', async () => {
  const known = 'known@customer.example';
  await service.base.submitForReview(known);
  const [yes, no] = [await request(known), await request('nobody@customer.example')];
  expect([yes.preview, no.preview]).toEqual([null, null]);
  service.base.runWorker();
  const found = await previewOf(yes.requestId);
  expect(found.map(({ store }) => store)).toEqual(service.stores.map(({ name }) => name));
  const counts = Object.fromEntries(found.map(({ store, erase }) => [store, erase]));
  expect(counts).toMatchObject({ postgres: 1, temporal: 1, hubspot: 0 });
  expect(found.find(({ store }) => store === 'hubspot')).toMatchObject({ ground: 'unavailable' });
  expect((await previewOf(no.requestId)).every(({ erase }) => erase === 0)).toBe(true);
  for (const { requestId } of [yes, no]) {
    expect(await look(requestId)).toMatchObject({ status: 'waiting', confirmedAt: null });
    expect(await service.base.database.db.auditEvent.count({ where: { ...EVENT, subjectId: requestId } })).toBe(1);
  }
});

it('is made once: what is there stands', async () => {
  const { requestId } = await request('once@customer.example');
  const first = await previewOf(requestId);
  await service.base.submitForReview('once@customer.example');
  const joined = await request('once@customer.example');
  expect(joined).toMatchObject({ requestId, preview: first });
});

it('does not keep an erasure without grace period from beginning', async () => {
  const { body } = await api.admin.delete('/api/gdpr/user/at-once%40customer.example?grace=PT0S');
  await service.in('erasing', body.requestId);
  const { preview, begunAt } = await look(body.requestId);
  expect(preview).toHaveLength(service.stores.length);
  expect(begunAt).not.toBeNull();
});
