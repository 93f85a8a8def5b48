// What a real API and a real worker tell Prometheus under load: every metric is documented, and the series are bounded.
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { TestService } from '../support/service';
import { until } from '../support/until';

/** Of each process, after everything below. */
const MOST_SERIES = 2_000;

let service: TestService;
beforeAll(async () => {
  // As where a provider keeps PostgreSQL: backups without a cluster of our own.
  const environment = { POSTGRES_KEPT_BY: 'provider', BACKUP_PASSPHRASE: 'the passphrase of the tests' };
  service = await TestService.create({ environment });
  service.startWorker();
  service.start('api', 'api/main.js');
  await until('the API is ready', async () => (await fetch(api('/ready')).catch(() => null))?.ok);
});
afterAll(() => service?.close());

const api = (path: string) => `http://127.0.0.1:${service.environment.PORT}${path}`;
const scrape = async (of: 'METRICS_PORT' | 'WORKER_METRICS_PORT') =>
  (await fetch(`http://127.0.0.1:${service.environment[of]}/metrics`)).text();
const seriesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const valueIn = (text: string, start: string) =>
  Number(
    seriesOf(text)
      .find((line) => line.startsWith(start))
      ?.split(' ')
      .at(-1),
  );

/** fetch would refuse some of these methods itself. */
const send = (method: string, path: string) =>
  new Promise<void>((resolve, reject) => {
    const { PORT } = service.environment;
    const headers = { Authorization: 'Bearer cs_nobody', 'X-Request-Id': path };
    request({ port: PORT, method, path, headers }, (response) => response.resume().once('end', resolve))
      .once('error', reject)
      .end();
  });
const attack = (word: string) =>
  Promise.all(
    [
      `/api/drafts/${word}@customer.example`,
      `/api/drafts?q=${word}`,
      `/${word}`,
      `/api/keys/${word}`,
      `/api/circuit-breakers/reset/${word}`,
    ].flatMap((path) => ['GET', 'POST', 'PROPFIND', 'M-SEARCH', 'LOCK'].map((method) => send(method, path))),
  );

it('a mail that leaves shows in both processes: drafts, tasks of Temporal, queries and backups', async () => {
  const draft = await service.submitForReview('ada@customer.example');
  await service.approve(draft);
  await service.draftIn('sent', draft.id);
  const sure = await service.submitDue('bob@customer.example');
  await service.draftIn('sent', sure.id);
  const completed = /^temporal_workflow_completed\{.*workflow_type="draftApproval",process="worker"\} 1$/m;
  const text = await until('all of it is sealed, and the workflow has ended', async () => {
    const now = await scrape('WORKER_METRICS_PORT');
    return valueIn(now, 'countersign_draft_events_total{event="sent"') === 2 && completed.test(now) && now;
  });
  const count = (event: string) => valueIn(text, `countersign_draft_events_total{event="${event}"`);
  expect(['submitted', 'approved', 'auto_approved', 'released', 'parked'].map(count)).toEqual([2, 1, 1, 2, 0]);
  expect(text).toMatch(/^temporal_activity_schedule_to_start_latency_bucket\{/m);
  expect(valueIn(text, 'countersign_db_query_duration_seconds_count')).toBeGreaterThan(20);
  expect(valueIn(text, 'countersign_db_connection_wait_seconds_count')).toBeGreaterThan(20);
  expect(valueIn(text, 'countersign_backup_overdue{kind="full"')).toBe(1);
  const apis = await scrape('METRICS_PORT');
  expect(valueIn(apis, 'countersign_dependency_ready{dependency="database"')).toBe(1);
  expect(valueIn(apis, 'countersign_dependency_ready{dependency="temporal"')).toBe(1);
});

it('what clients send makes no series: neither paths, nor methods, nor ids', async () => {
  await attack('first');
  // Node has one for each kind of garbage collection, from the first of its kind on.
  const seriesOfRequests = (text: string) => seriesOf(text).filter((line) => !line.startsWith('nodejs_'));
  const before = seriesOfRequests(await scrape('METRICS_PORT'));
  for (const word of ['ada', 'x'.repeat(300), '%00', '01a20fea-5659-7b3f-b004-94c0785c503f']) await attack(word);
  const text = await scrape('METRICS_PORT');
  expect(seriesOfRequests(text).length).toBe(before.length);
  expect(text).toContain('method="other",route="unmatched"');
  expect(text).not.toMatch(/ada|PROPFIND|01a20fea|customer/);
});

it('the series of each process are bounded', async () => {
  const counts = [await scrape('METRICS_PORT'), await scrape('WORKER_METRICS_PORT')].map(
    (text) => seriesOf(text).length,
  );
  for (const count of counts) {
    expect(count).toBeGreaterThan(200);
    expect(count).toBeLessThan(MOST_SERIES);
  }
});

const page = readFileSync(join(PACKAGE_ROOT, 'docs', 'metrics.md'), 'utf8');
/** Name, type and labels, as the page's tables have them. */
const documented = [...page.matchAll(/^\| `(countersign_\w+)` \| (\w+) \|(.*?)\|/gm)].map(
  ([, name = '', type, labels = '']) => ({
    name,
    type,
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, one]) => one),
  }),
);

it('docs/metrics.md lists every metric that the code makes, and no other', () => {
  const files = ['api', 'activities', 'worker', 'ops'].flatMap((folder) =>
    (readdirSync(join(PACKAGE_ROOT, folder), { recursive: true }) as string[])
      .filter((file) => file.endsWith('.ts') && !file.startsWith('dashboards') && !file.startsWith('prometheus'))
      .map((file) => join(PACKAGE_ROOT, folder, file)),
  );
  const made = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/'(countersign_[a-z_]+)'/g)]);
  const names = [...new Set(made.map(([, name = '']) => name))].sort();
  expect(names.length).toBeGreaterThan(20);
  expect(documented.map(({ name }) => name).sort()).toEqual(names);
});

it('docs/metrics.md has the type and the labels of each metric', async () => {
  const text = (await scrape('METRICS_PORT')) + (await scrape('WORKER_METRICS_PORT'));
  const shown = documented.filter(({ name }) => text.includes(`# TYPE ${name} `));
  // Where a provider keeps PostgreSQL, its log is not ours to archive.
  expect(documented.filter((one) => !shown.includes(one)).map(({ name }) => name)).toEqual([
    'countersign_archiving_stalled',
    'countersign_archiving_lag_seconds',
  ]);
  const faults = shown.flatMap(({ name, type, labels }) => {
    const isType = text.includes(`# TYPE ${name} ${type}\n`);
    const series = new RegExp(`^${name}(?:_count)?\\{(.*)\\} `, 'm').exec(text)?.[1] ?? '';
    const found = [...series.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'process');
    return isType && (series === '' || String(found) === String(labels)) ? [] : [{ name, type, labels, found }];
  });
  expect(faults).toEqual([]);
});
