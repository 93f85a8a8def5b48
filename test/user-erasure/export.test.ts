// What a person is told is exactly what an erasure would count.
import { uuidv7 } from 'uuidv7';
import { documentOf } from '../../activities/person-export/document';
import type { PersonalDataStore } from '../../activities/user-erasure/stores/store';
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

it('exports long texts whole, whatever they are made of', async () => {
  const email = 'long@customer.example';
  const bodies = ['"\\\n', '\u{1f600}', 'é', 'a']
    .map((character) => character.repeat(2 * 64 * 1024))
    .map((text) => `${text}.`);
  const exact = 'x'.repeat(64 * 1024);
  for (const body of [...bodies, exact]) await service.base.submitForReview(email, { body, html: `<p>${exact}</p>` });
  const said = JSON.parse((await collect(documentOf(service.stores, service.person(email), async () => {}))).join(''));
  const revisions = said.stores[0].items.map((item: { revisions: unknown[] }) => item.revisions);
  expect(revisions).toEqual(
    [...bodies, exact].map((body) => [
      { revision: 1, subject: expect.any(String), body, html: `<p>${exact}</p>`, createdAt: expect.any(String) },
    ]),
  );
});

it('gives no text whose end is of another moment than its beginning', async () => {
  const email = 'changing@customer.example';
  const { id } = await service.base.submitForReview(email, { body: 'x'.repeat(200_000) });
  const document = documentOf(service.stores, service.person(email), async () => {});
  const read = async () => {
    for await (const piece of document) {
      if (piece.length > 60_000)
        await service.base.database.db.revision.updateMany({
          where: { draftId: id },
          data: { body: 'y'.repeat(200_000) },
        });
    }
  };
  await expect(read()).rejects.toThrow('A revision changed while it was read');
});

it('shows each mention in rows larger than a page once', async () => {
  const email = 'often@customer.example';
  const large = `${'x '.repeat(450_000)}${email} `;
  for (let i = 0; i < 7; i++) await service.base.submitForReview('bob@customer.example', { body: large });
  for (let i = 0; i < 45; i++) await service.base.submitForReview('bob@customer.example', { body: `Ask ${email}` });
  const [postgres] = service.stores;
  expect(await postgres?.preview(service.person(email))).toMatchObject({ anonymise: 52 });
  const told = (await collect((postgres as PersonalDataStore).export(service.person(email)))) as { id: string }[];
  expect([told.length, new Set(told.map(({ id }) => id)).size]).toEqual([52, 52]);
});

it('exports nothing of who has been erased', async () => {
  const email = 'soon-gone@customer.example';
  await service.base.submitForReview(email);
  for (const store of service.stores) await store.purge({ ...service.person(email), requestId: uuidv7() }, () => {});
  expect(await Promise.all(service.stores.map((store) => collect(store.export(service.person(email)))))).toEqual(
    service.stores.map(() => []),
  );
});
