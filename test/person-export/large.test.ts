// An export larger than the longest string: written and downloaded piece by piece. A normal run exports less.
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { uuidv7 } from 'uuidv7';
import { documentOf } from '../../activities/person-export/document';
import { ADMIN_PASSWORD } from '../support/environment';
import { indexMentions } from '../support/index-mentions';
import type { ServiceProcess } from '../support/processes';
import { isLongRun } from '../support/servers';
import { until } from '../support/until';
import { ExportService } from './export-service';

const MIB = 1024 * 1024;
const EMAIL = 'ada@customer.example';
const DRAFTS = isLongRun ? 300 : 40;
/** Each draft has a text and a page of 1 MiB each. */
const BYTES = DRAFTS * 2 * MIB;
/** Neither process could hold the export in this heap: V8 collects late where there is room, however little is held. */
const HEAP_MIB = 160;
/** What a process may grow by, whatever the size: pieces of texts that are collected late, where others want the processor. */
const GROWS_BY_MIB = 220;

let service: ExportService;
beforeAll(async () => {
  service = await ExportService.create();
  await plantDrafts();
});
afterAll(() => service?.close());

/** As the author would have written them, without the time that takes. */
async function plantDrafts(): Promise<void> {
  const hashes = service.erasures.person(EMAIL).hashes;
  const author = service.base.author.actor.id;
  for (let i = 0; i < DRAFTS; i++) {
    const id = uuidv7();
    await service.db.$executeRaw`
      INSERT INTO drafts (id, status, author_id, "to", recipient_hashes, decision, created_at, updated_at, needs_people)
      VALUES (${id}::uuid, 'sent', ${author}::uuid, ${EMAIL}, ${hashes}, '{"outcome": "auto_approve"}', now(), now(), false)`;
    await service.db.$executeRaw`
      INSERT INTO revisions (draft_id, revision, subject, body, html, editor_id, content_hash, created_at)
      VALUES (${id}::uuid, 1, 'Large', repeat('body" ', ${Math.ceil(MIB / 6)}::int), repeat('<p>hm', ${Math.ceil(MIB / 5)}::int), ${author}::uuid, '\\x00', now())`;
  }
}

/** In MiB. `VmHWM`: the most that it ever had. */
function memoryOf({ pid }: ServiceProcess, what: 'VmRSS' | 'VmHWM'): number {
  const [, kilobytes = '0'] = new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

/** Counts and forgets what comes. */
function download(url: string): Promise<{ size: number; end: string }> {
  return new Promise((resolve, reject) => {
    let size = 0;
    let end = '';
    get(url, { headers: { 'x-admin-token': ADMIN_PASSWORD } }, (answer) => {
      answer
        .on('data', (chunk: Buffer) => {
          size += chunk.length;
          end = (end + chunk.toString('latin1')).slice(-200);
        })
        .on('end', () => resolve({ size, end }))
        .on('error', reject);
    }).on('error', reject);
  });
}

it('takes no more memory in the worker and in the API than a few texts, and fits into a small heap', async () => {
  const { base } = service;
  // What the worker indexes meanwhile is not what an export takes.
  await indexMentions(service.db, service.files);
  Object.assign(base.environment, { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` });
  const worker = base.startWorker();
  const api = base.start('api', 'api/main.js');
  const url = `http://127.0.0.1:${base.environment.PORT}`;
  const isReady = async () => worker.log.includes('The worker works') && (await fetch(`${url}/ready`)).ok;
  await until('both are ready', () => isReady().catch(() => false));
  const before = [worker, api].map((one) => memoryOf(one, 'VmRSS'));

  const id = await service.request(EMAIL);
  const { size, items } = await service.in('ready', id, 900_000);
  expect([items, (size as number) > BYTES]).toEqual([DRAFTS, true]);
  const got = await download(`${url}/api/gdpr/exports/${id}/content`);
  expect(got.size).toBe(size);
  expect(got.end.endsWith('{"store":"temporal","items":[]}]}')).toBe(true);

  const grown = [worker, api].map((one, i) => memoryOf(one, 'VmHWM') - (before[i] as number));
  console.log(
    `An export of ${Math.round((size as number) / MIB)} MiB: worker and API grew by ${grown.map(Math.round)} MiB`,
  );
  for (const mebibytes of grown) expect(mebibytes).toBeLessThan(GROWS_BY_MIB);
}, 1_200_000);

it('is made of small pieces, and each revision is in it once', async () => {
  let [largest, size] = [0, 0];
  for await (const piece of documentOf(service.erasures.stores, service.erasures.person(EMAIL), async () => {})) {
    largest = Math.max(largest, piece.length);
    size += piece.length;
  }
  expect(largest).toBeLessThan(0.5 * MIB);
  expect(size).toBeGreaterThan(BYTES);
  expect(size).toBeLessThan(1.25 * BYTES);
}, 1_200_000);
