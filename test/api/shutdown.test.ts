import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { createApiServer } from '../../api/server';
import { type ShutdownSteps, shutDown } from '../../ops/runtime/shutdown';
import { aDraft } from '../support/commands';
import { deferred } from '../support/deferred';
import { until } from '../support/until';
import { CONNECTIONS, TestApi } from './test-api';

let api: TestApi;
/** Every submission waits here. */
let gate = deferred<void>();
let waiting = 0;
beforeAll(async () => {
  api = await TestApi.create({
    commands: (commands) => ({
      ...commands,
      async submitDraft(...call) {
        waiting += 1;
        await gate.promise;
        return commands.submitDraft(...call);
      },
    }),
  });
});
afterAll(() => api?.close());
beforeEach(() => {
  gate = deferred();
  waiting = 0;
  api.lifecycle.draining = false;
  api.log.length = 0;
});

async function started() {
  const server = createApiServer(api.app, CONNECTIONS);
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as { port: number };
  const { key } = await api.keyFor('an agent', 'author');
  const agent = new Agent({ keepAlive: true });
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const asked = request({ port, method, path, agent, headers }).end(body && JSON.stringify(body));
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    for await (const _ of response);
    return { status: response.statusCode, connection: response.headers.connection };
  };
  const steps = (drainSeconds: number, closed: string[]): ShutdownSteps => ({
    logger: api.logger,
    drainSeconds,
    refuse() {
      api.lifecycle.draining = true;
    },
    drain: server.drain,
    cutOff: server.cutOff,
    close: [() => void closed.push('first'), () => Promise.reject(new Error('stuck')), () => void closed.push('last')],
  });
  return { ask, steps, agent };
}

const messages = () => api.log.map((line) => JSON.parse(line).msg).filter((msg) => msg !== 'request');

it('answers what it accepted, says that it is not ready meanwhile, then closes in order', async () => {
  const { ask, steps, agent } = await started();
  const accepted = ask('POST', '/api/drafts', aDraft());
  await until('the request is being carried out', () => waiting === 1);
  const closed: string[] = [];
  const down = shutDown(steps(30, closed));
  expect(await ask('GET', '/ready')).toEqual({ status: 503, connection: 'close' });
  expect(closed).toEqual([]);
  gate.resolve();
  expect(await accepted).toEqual({ status: 201, connection: 'close' });
  await down;
  expect(closed).toEqual(['first', 'last']);
  await expect(ask('GET', '/ready')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(messages()).toEqual([
    'Shutting down gracefully...',
    'Draining in-flight requests (30s timeout)',
    'Closing database connections...',
    'A step of the shutdown failed',
    'Shutdown complete',
  ]);
  agent.destroy();
});

it('cuts off what takes longer than the drain may', async () => {
  const { ask, steps, agent } = await started();
  const accepted = ask('POST', '/api/drafts', aDraft()).catch((error: NodeJS.ErrnoException) => error.code);
  await until('the request is being carried out', () => waiting === 1);
  const closed: string[] = [];
  await shutDown(steps(1, closed));
  expect([await accepted, closed]).toEqual(['ECONNRESET', ['first', 'last']]);
  gate.resolve();
  agent.destroy();
});
