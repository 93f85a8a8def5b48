// The probes of a worker process, at every stage of its life.
import { freePort } from '../../ops/local/ports';
import { testEnvironment } from '../support/environment';
import { type Environment, ServiceProcess } from '../support/processes';
import { TestService } from '../support/service';
import { until } from '../support/until';

const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

interface Body {
  status: string;
  checks?: Record<string, string>;
}

async function probe(port: string, path: string): Promise<{ status: number; body: Body | null } | null> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null);
  if (!answer) return null;
  return { status: answer.status, body: answer.status === 404 ? null : ((await answer.json()) as Body) };
}
async function start(environment: Environment): Promise<{ worker: ServiceProcess; port: string }> {
  const port = String(await freePort());
  const worker = ServiceProcess.start('worker', 'worker/main.js', { ...environment, WORKER_PORT: port });
  closing.push(() => worker.kill());
  return { worker, port };
}
const answers = (port: string, path: string, status: number) =>
  until(`${path} answers ${status}`, async () => {
    const answer = await probe(port, path);
    return answer?.status === status ? answer.body : null;
  });

it('a worker that works is alive, ready and started, and not ready once it is asked to end', async () => {
  const service = await TestService.create();
  closing.push(() => service.close());
  service.mail.behave({ delay: 3_000 });
  const { worker, port } = await start(service.environment);
  expect(await answers(port, '/ready', 200)).toEqual({
    status: 'ready',
    checks: { worker: 'ready', database: 'ready', temporal: 'ready' },
  });
  expect(await answers(port, '/healthz', 200)).toEqual({ status: 'alive' });
  expect(await answers(port, '/startup', 200)).toEqual({ status: 'started' });
  expect((await probe(port, '/metrics'))?.status).toBe(404);

  await service.submitDue('slow@example.org');
  await until('a mail is on its way', () => service.mail.begun.length === 1);
  const ended = worker.stop();
  expect(await answers(port, '/ready', 503)).toMatchObject({ checks: { worker: 'not_ready: shutting down' } });
  // Nobody is to kill it while it finishes what it has begun.
  expect(await answers(port, '/healthz', 200)).toEqual({ status: 'alive' });
  expect(await ended).toBe(0);
  expect(service.mail.accepted).toHaveLength(1);
});

it('a worker without its database has started, since it may have to bring it back, and is not ready', async () => {
  const service = await TestService.create();
  closing.push(() => service.close());
  const { port } = await start({ ...service.environment, DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/nothing' });
  expect(await answers(port, '/startup', 200)).toEqual({ status: 'started' });
  const checks = (await answers(port, '/ready', 503)).checks;
  expect(checks).toMatchObject({ worker: 'not_ready: starting', database: 'not_ready: connection refused' });
});

it('a worker without Temporal lives, and says what it waits for', async () => {
  const environment = await testEnvironment({
    DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/nothing',
    SMTP_URL: 'smtp://127.0.0.1:9',
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_ADDRESS: '127.0.0.1:9',
  });
  const { port } = await start(environment);
  expect(await answers(port, '/healthz', 200)).toEqual({ status: 'alive' });
  const checks = (await answers(port, '/startup', 503)).checks;
  expect(checks?.temporal).toMatch(/^not_ready: /);
});
