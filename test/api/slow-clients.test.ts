// A client that is slow on purpose, or opens more connections than its share, costs the others nothing.
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionLimits } from '../../api/connections';
import { createApiServer } from '../../api/server';
import { until } from '../support/until';
import { TestApi } from './test-api';

const LIMITS: ConnectionLimits = {
  most: 100,
  mostPerClient: 20,
  headersMs: 1_500,
  requestMs: 3_000,
  stalledMs: 2_000,
  idleMs: 75_000,
};

let api: TestApi;
const sockets: Socket[] = [];
let served: ReturnType<typeof createApiServer>;
let port: number;

beforeAll(async () => {
  api = await TestApi.create();
  served = createApiServer(api.app, LIMITS);
  await served.listen({ host: '0.0.0.0', port: 0 });
  port = (served.server.address() as AddressInfo).port;
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  served.cutOff();
  await api.close();
});

/** Opens a connection of that client and keeps what it is answered. */
async function open(client: string): Promise<{ socket: Socket; said: () => string; isClosed: () => boolean }> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: client });
  sockets.push(socket);
  let said = '';
  let closed = false;
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
  });
  socket.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  await once(socket, 'connect');
  return { socket, said: () => said, isClosed: () => closed };
}

/** Returns the status of one request of that client, and how long it took. */
async function ask(client: string): Promise<{ status: number; ms: number }> {
  const began = Date.now();
  const asked = request({ host: '127.0.0.1', port, path: '/', localAddress: client, agent: false });
  asked.end();
  const [response] = await once(asked, 'response');
  response.resume();
  await once(response, 'end');
  return { status: response.statusCode, ms: Date.now() - began };
}

/** Sends one character after the other, as slowly as it may. */
async function trickle(socket: Socket, text: string): Promise<void> {
  for (const one of text) {
    if (socket.destroyed || !socket.writable) return;
    socket.write(one);
    await delay(100);
  }
}

it('serves others at once while a client sends its headers slowly on all its connections, and closes those in time', async () => {
  const slow = await Promise.all(Array.from({ length: 20 }, () => open('127.0.0.1')));
  const began = Date.now();
  for (const { socket } of slow) void trickle(socket, `GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ${'a'.repeat(200)}`);
  const answers = [];
  while (slow.some(({ isClosed }) => !isClosed())) {
    answers.push(await ask('127.0.0.2'));
    await delay(50);
    expect(Date.now() - began).toBeLessThan(LIMITS.headersMs + 5_000);
  }
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([302]));
  expect(answers.map(({ ms }) => ms).sort((a, b) => a - b)[Math.floor(answers.length / 2)]).toBeLessThan(200);
  expect(Date.now() - began).toBeGreaterThanOrEqual(LIMITS.headersMs - 100);
  for (const { said } of slow) expect(said()).toMatch(/^HTTP\/1.1 408 /);
});

it('refuses a connection more than a client may have, with what it sends, and takes it once another is closed', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => open('127.0.0.1')));
  const more = await open('127.0.0.1');
  more.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('it is closed', () => more.isClosed());
  expect(more.said()).toMatch(/^HTTP\/1.1 429 [\s\S]*"type":"\/problems\/too-many-requests"/);
  expect(more.said()).not.toContain('302');
  expect((await ask('127.0.0.2')).status).toBe(302);
  all[0]?.socket.destroy();
  await until('there is room again', async () => (await ask('127.0.0.1').catch(() => null))?.status === 302);
});

it('closes a connection whose body trickles, or on which nothing moves', async () => {
  const trickling = await open('127.0.0.1');
  const stalled = await open('127.0.0.1');
  const head = `POST /api/drafts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`;
  trickling.socket.write(head);
  stalled.socket.write(head);
  void trickle(trickling.socket, ' '.repeat(200));
  const began = Date.now();
  await until('both are closed', () => trickling.isClosed() && stalled.isClosed(), 10_000);
  expect(Date.now() - began).toBeGreaterThanOrEqual(LIMITS.stalledMs - 100);
});

it('refuses more header lines than it takes', async () => {
  const many = await open('127.0.0.1');
  many.socket.write(`GET / HTTP/1.1\r\nHost: x\r\n${'A: 1\r\n'.repeat(5_000)}\r\n`);
  await until('it is closed', () => many.isClosed());
  expect(many.said()).toMatch(/^HTTP\/1.1 431 /);
});
