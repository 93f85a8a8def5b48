// Whatever authors store, nobody's preview, export or purge holds the event loop that answers others.
import { HOSTILE_TEXTS } from '../personal-data/hostile-texts';
import { collect } from '../support/collect';
import { isLongRun } from '../support/servers';
import { ErasureService } from './erasure-service';

const ADA = 'ada@customer.example';
const BYTES = 40 * 1024;
const MOST_DELAY_MS = 500;
const WRITTEN = isLongRun ? HOSTILE_TEXTS : HOSTILE_TEXTS.filter((_, n) => n % 4 === 0);

let service: ErasureService;
beforeAll(async () => {
  service = await ErasureService.create();
});
afterAll(() => service?.close());

it('a preview, an export and a purge leave the event loop free beside hostile bodies and files', async () => {
  for (const [, textOf] of WRITTEN) {
    const text = textOf(BYTES);
    const file = await service.upload(text);
    // As PostgreSQL takes it.
    const body = `${ADA} ${text.replaceAll('\0', ' ')}`;
    await service.base.submitForReview('bob@elsewhere.example', { body, attachments: [file] });
  }
  let [last, longest] = [performance.now(), 0];
  const ticks = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 10);
  const person = service.person(ADA);
  const exported = async () => {
    const postgres = service.stores.find(({ name }) => name === 'postgres');
    return postgres ? collect(postgres.export(person)) : null;
  };
  for (const store of service.stores) await store.preview(person);
  expect(await exported()).toHaveLength(WRITTEN.length);
  for (const store of service.stores) await store.purge(person, () => {});
  clearInterval(ticks);
  expect(longest).toBeLessThan(MOST_DELAY_MS);
  expect(await exported()).toEqual([]);
});
