// API and worker are asked to end under a hundred requests a second, while a mail server does not let go of a conversation.
import { freePort } from '../../ops/local/ports';
import { ApiClient } from '../support/api-client';
import { deferred } from '../support/deferred';
import { expectEachMailOnce } from '../support/mail-count';
import type { ServiceProcess } from '../support/processes';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { SteadyLoad } from './steady-load';

const DRAFTS = isLongRun ? 2_000 : 400;
const ENDS_WITHIN_MS = 30_000;

let service: TestService;
beforeAll(async () => {
  service = await TestService.create({ environment: { CONNECTIONS_PER_CLIENT: '1000' } });
});
afterAll(() => service?.close());

const isReady = (port: string) => new ApiClient(`http://127.0.0.1:${port}`, {}).ready();

async function startApi(port: string): Promise<ServiceProcess> {
  const api = service.start('api', 'api/main.js', { PORT: port, METRICS_PORT: String(await freePort()) });
  await until('it is ready', () => isReady(port));
  return api;
}

it('resets no connection, loses nothing that it acknowledged, and ends within 30 s', async () => {
  const ports = [String(await freePort()), String(await freePort())] as const;
  const apis = await Promise.all(ports.map(startApi));
  const worker = service.startWorker({ SMTP_URL: service.mail.url });
  // This conversation never ends: nothing that the worker does can cancel it.
  service.mail.behave({ waitsFor: deferred().promise }, 'never@example.org');
  const stuck = await service.submitDue('never@example.org');
  await until('its message is with the server', () => service.mail.acceptedFor('never@example.org').length === 1);

  /** As a load balancer: a process that is not ready gets no more, and a refused connection goes to the other one. */
  let target = 0;
  const load = new SteadyLoad(
    () => ports[target],
    (code) => {
      if (code === 'ECONNREFUSED') target = 1;
    },
  );
  await load.begin();
  const ends: { what: string; code: number | null; ms: number }[] = [];
  const end = async (what: string, process: ServiceProcess) => {
    const asked = performance.now();
    const code = await process.stop();
    ends.push({ what, code, ms: performance.now() - asked });
  };
  const balancer = setInterval(async () => {
    if (!(await isReady(ports[0]))) target = 1;
  }, 500);
  await load.reaches(DRAFTS);
  await Promise.all([end('api', apis[0] as ServiceProcess), end('worker', worker)]);
  await load.reaches(DRAFTS);
  const submitted = await load.end();
  clearInterval(balancer);

  expect({ ...load.refused, ECONNREFUSED: 0 }).toEqual({ ECONNREFUSED: 0 });
  expect(load.acknowledged.size).toBe(submitted);
  expect(ends.map(({ what, code }) => [what, code]).sort()).toEqual([
    ['api', 0],
    ['worker', 0],
  ]);
  expect(Math.max(...ends.map(({ ms }) => ms))).toBeLessThanOrEqual(ENDS_WITHIN_MS);

  service.startWorker();
  const { db } = service.database;
  await until('all are out', async () => (await db.draft.count({ where: { status: 'sent' } })) === submitted);
  await expectEachMailOnce(service);
  const ids = (await db.draft.findMany({ select: { id: true } })).map(({ id }) => id);
  expect(new Set(ids)).toEqual(new Set([...load.acknowledged, stuck.id]));
  expect(await service.draft(stuck.id)).toMatchObject({ status: 'failed', outcome: 'unknown' });
});
