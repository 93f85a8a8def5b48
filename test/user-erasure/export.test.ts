// What a person is told is exactly what an erasure would count.
import { uuidv7 } from 'uuidv7';
import { documentOf } from '../../activities/person-export/document';
import { collect } from '../support/collect';
import { ErasureService } from './erasure-service';

let service: ErasureService;
beforeAll(async () => {
  service = await ErasureService.create();
});
afterAll(() => service?.close());

const ADA = 'ada@customer.example';

it('exports as many items of each store as the preview counts, and everything that they say', async () => {
  const { base, stores, commands } = service;
  const { id } = await base.submitForReview(ADA, { subject: 'For Ada', metadata: { order: 7 } });
  await commands.requestChanges(base.approver, { id, comment: 'kinder' });
  await base.submitForReview('bob@customer.example', { body: `Ask ${ADA}`, replyTo: ADA });
  await base.submitForReview('carol@customer.example', { body: `Ask l${ADA}` });
  const { key } = await commands.createKey(service.admin, { name: 'Ada herself', email: ADA, roles: ['approver'] });
  expect(key).toBeTruthy();
  await commands.createKey(service.admin, { name: 'Bob', roles: ['approver'], groups: ['legal', `after ${ADA}`] });
  const pause = { service: 'email', event: 'service.paused', reason: `${ADA} complained` } as const;
  await commands.actOnService(service.admin, pause, async () => {});

  for (const address of [ADA, 'Ada@Customer.Example', 'nobody@customer.example']) {
    const person = service.person(address);
    for (const store of stores) {
      const { erase, anonymise, withhold } = await store.preview(person);
      expect([store.name, (await collect(store.export(person))).length]).toEqual([
        store.name,
        erase + anonymise + withhold,
      ]);
    }
  }
  const document = documentOf(stores, service.person(ADA), async () => {});
  const said = (await collect(document)).join('');
  for (const word of [
    'For Ada',
    'order',
    'kinder',
    `Ask ${ADA}`,
    'Ada herself',
    `draft-${id}`,
    `after ${ADA}`,
    'complained',
  ])
    expect(said).toContain(word);
  expect(said).not.toContain('carol@customer.example');
  const nobody = service.person('nobody@customer.example');
  expect(await Promise.all(stores.map((store) => collect(store.export(nobody))))).toEqual(stores.map(() => []));
});

it('exports nothing of who has been erased', async () => {
  const email = 'soon-gone@customer.example';
  await service.base.submitForReview(email);
  for (const store of service.stores) await store.purge({ ...service.person(email), requestId: uuidv7() }, () => {});
  expect(await Promise.all(service.stores.map((store) => collect(store.export(service.person(email)))))).toEqual(
    service.stores.map(() => []),
  );
});
