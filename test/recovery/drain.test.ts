// API and worker are asked to end under a hundred requests a second, while a mail server does not let go of a conversation.
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../ops/local/ports';
import { aDraft } from '../support/commands';
import { deferred } from '../support/deferred';
import { ADMIN_PASSWORD } from '../support/environment';
import { expectEachMailOnce } from '../support/mail-count';
import type { ServiceProcess } from '../support/processes';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until } from '../support/until';

const A_SECOND = 100;
const SECONDS = isLongRun ? 60 : 12;
const ENDS_WITHIN_MS = 30_000;

let service: TestService;
beforeAll(async () => {
  service = await TestService.create({ environment: { CONNECTIONS_PER_CLIENT: '1000' } });
});
afterAll(() => service?.close());

interface Asked {
  status: number | null;
  /** Of the connection. */
  code: string | null;
  id: string | null;
}

const agent = new Agent({ keepAlive: true });
afterAll(() => agent.destroy());

function post(port: string, path: string, headers: Record<string, string>, body: object): Promise<Asked> {
  return new Promise((resolve) => {
    const asked = request({
      port,
      path,
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', ...headers },
    });
    asked.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ status: null, code: error.code ?? 'unknown', id: null }),
    );
    asked.on('response', async (response) => {
      let text = '';
      try {
        for await (const chunk of response) text += chunk;
        const { id = null, key = null } = JSON.parse(text);
        resolve({ status: response.statusCode ?? null, code: null, id: key ?? id });
      } catch (error) {
        resolve({ status: null, code: (error as NodeJS.ErrnoException).code ?? 'unknown', id: null });
      }
    });
    asked.end(JSON.stringify(body));
  });
}

async function startApi(port: string): Promise<ServiceProcess> {
  const api = service.start('api', 'api/main.js', { PORT: port, METRICS_PORT: String(await freePort()) });
  await until('it is ready', () =>
    fetch(`http://127.0.0.1:${port}/ready`)
      .then(({ ok }) => ok)
      .catch(() => false),
  );
  return api;
}

it('resets no connection, loses nothing that it acknowledged, and ends within 30 s', async () => {
  const ports = [String(await freePort()), String(await freePort())] as const;
  const apis = await Promise.all(ports.map(startApi));
  const worker = service.startWorker({ SMTP_URL: service.mail.url });
  const admin = { 'x-admin-token': ADMIN_PASSWORD };
  const { id: key } = await post(ports[0], '/api/keys', admin, { name: 'a client', roles: ['author'] });
  const author = { authorization: `Bearer ${key}` };

  // This conversation never ends: nothing that the worker does can cancel it.
  service.mail.behave({ waitsFor: deferred().promise }, 'never@example.org');
  const stuck = await service.submitDue('never@example.org');
  await until('its message is with the server', () => service.mail.acceptedFor('never@example.org').length === 1);

  const acknowledged = new Set<string>();
  const codes: Record<string, number> = {};
  let target = 0;
  /** As a load balancer: a process that is not ready gets no more, and a refused connection goes to the other one. */
  async function submit(n: number): Promise<void> {
    const body = aDraft({ to: `reader-${n}@example.org`, confidence: 1 });
    const headers = { ...author, 'idempotency-key': `draft ${n}` };
    for (let tries = 0; tries < 100; tries++) {
      const { status, code, id } = await post(ports[target % 2] as string, '/api/drafts', headers, body);
      if (status === 201 && id) return void acknowledged.add(id);
      codes[code ?? String(status)] = (codes[code ?? String(status)] ?? 0) + 1;
      if (code === 'ECONNREFUSED') target = 1;
      await delay(100);
    }
  }
  const submitted: Promise<void>[] = [];
  const ends: { what: string; code: number | null; ms: number }[] = [];
  const end = async (what: string, process: ServiceProcess) => {
    const asked = Date.now();
    const code = await process.stop();
    ends.push({ what, code, ms: Date.now() - asked });
  };
  const balancer = setInterval(async () => {
    const isReady = await fetch(`http://127.0.0.1:${ports[0]}/ready`)
      .then(({ ok }) => ok)
      .catch(() => false);
    if (!isReady) target = 1;
  }, 500);
  const began = Date.now();
  let ending: Promise<unknown> | null = null;
  for (let n = 0; n < A_SECOND * SECONDS; n++) {
    submitted.push(submit(n));
    if (n === (A_SECOND * SECONDS) / 3)
      ending = Promise.all([end('api', apis[0] as ServiceProcess), end('worker', worker)]);
    await delay(Math.max(0, began + (n * 1000) / A_SECOND - Date.now()));
  }
  await Promise.all(submitted);
  await ending;
  clearInterval(balancer);

  expect({ ...codes, ECONNREFUSED: 0 }).toEqual({ ECONNREFUSED: 0 });
  expect(acknowledged.size).toBe(A_SECOND * SECONDS);
  expect(ends.map(({ what, code }) => [what, code]).sort()).toEqual([
    ['api', 0],
    ['worker', 0],
  ]);
  expect(Math.max(...ends.map(({ ms }) => ms))).toBeLessThanOrEqual(ENDS_WITHIN_MS);

  service.startWorker();
  const { db } = service.database;
  await until('all are out', async () => (await db.draft.count({ where: { status: 'sent' } })) === acknowledged.size);
  await expectEachMailOnce(service);
  const ids = (await db.draft.findMany({ select: { id: true } })).map(({ id }) => id);
  expect(new Set(ids)).toEqual(new Set([...acknowledged, stuck.id]));
  expect(await service.draft(stuck.id)).toMatchObject({ status: 'failed', outcome: 'unknown' });
});
