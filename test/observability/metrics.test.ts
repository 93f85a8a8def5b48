// Scrapes the metrics while what they are read from is away, hangs or fails.
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { Gauge, type Registry } from 'prom-client';
import { ERASURE_GAUGES } from '../../activities/user-erasure/deadline-metrics';
import { observeDependencies } from '../../api/dependency-metrics';
import { askDatabase } from '../../ops/runtime/ask-database';
import { observeDatabase } from '../../ops/runtime/database-gauges';
import { createRegistry, startMetricsServer } from '../../ops/runtime/metrics';
import { withTemporalMetrics } from '../../worker/temporal-metrics';
import { testEnvironment } from '../support/environment';
import { ServiceProcess } from '../support/processes';
import { until } from '../support/until';

const NOBODY = 'postgresql://nobody@127.0.0.1:9/nothing';
const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
});

/** Accepts connections and never says anything. */
async function startSilentDatabase(): Promise<string> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  await listening(server.listen(0, '127.0.0.1'));
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `postgresql://nobody@127.0.0.1:${(server.address() as AddressInfo).port}/nothing`;
}
const listening = (server: Server) => new Promise<void>((resolve) => server.once('listening', () => resolve()));

async function scrape(url: string): Promise<{ status: number; text: string; ms: number }> {
  const began = performance.now();
  const answer = await fetch(url);
  return { status: answer.status, text: await answer.text(), ms: performance.now() - began };
}
async function scrapeOf(registry: Registry) {
  const server = await startMetricsServer(registry, { host: '127.0.0.1', port: 0 });
  closing.push(() => server.close());
  return scrape(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
}

it('the worker answers a scrape with its process metrics while PostgreSQL is away', async () => {
  const temporal = { TEMPORAL_NAMESPACE: 'default', TEMPORAL_ADDRESS: '127.0.0.1:9' };
  const environment = await testEnvironment({ DATABASE_URL: NOBODY, SMTP_URL: 'smtp://127.0.0.1:9', ...temporal });
  const worker = ServiceProcess.start('worker', 'worker/main.js', environment);
  closing.push(() => worker.kill());
  const url = `http://127.0.0.1:${environment.WORKER_METRICS_PORT}/metrics`;
  const { status, text } = await until('the worker answers', () => scrape(url).catch(() => false as const));
  expect(status).toBe(200);
  expect(text).toContain('process_cpu_seconds_total');
  expect(text).toContain('countersign_db_connections{state="busy",process="worker"} ');
  expect(text).toContain('countersign_erasure_deadline_seconds{process="worker"} Nan');
  for (const state of ['open', 'overdue', 'failed'])
    expect(text).toContain(`countersign_erasures{state="${state}",process="worker"} Nan`);
});

it('a scrape is answered within two seconds while PostgreSQL accepts connections and never answers', async () => {
  const database = await startSilentDatabase();
  const registry = createRegistry('test');
  observeDatabase(registry, (sql) => askDatabase(database, sql, { name: 'test', withinMs: 2_000 }), ERASURE_GAUGES);
  const { status, text, ms } = await scrapeOf(registry);
  expect(status).toBe(200);
  expect(ms).toBeLessThan(2_000);
  expect(text).toContain('process_cpu_seconds_total');
  expect(text).toContain('countersign_erasure_deadline_seconds{process="test"} Nan');
});

it.each<[string, () => Promise<void>]>([
  ['fails', () => Promise.reject(new Error('no'))],
  ['never ends', () => new Promise(() => {})],
])('a collector that %s leaves out its own metric alone', async (_title, collect) => {
  const registry = createRegistry('test');
  new Gauge({ name: 'broken', help: 'Cannot be read', registers: [registry], collect });
  const { status, text, ms } = await scrapeOf(registry);
  expect(status).toBe(200);
  expect(ms).toBeLessThan(2_500);
  expect(text).not.toContain('broken');
  expect(text).toContain('process_cpu_seconds_total');
});

it.each<[string, () => Promise<string>, string]>([
  ['answers', async () => 'temporal_request 1\n', 'temporal_request 1'],
  ['fails', () => Promise.reject(new Error('no')), ''],
  ['never ends', () => new Promise(() => {}), ''],
])("the SDK's exporter that %s leaves the process's own metrics as they are", async (_title, readMore, shown) => {
  const server = await startMetricsServer(createRegistry('test'), { host: '127.0.0.1', port: 0 }, readMore);
  closing.push(() => server.close());
  const { status, text } = await scrape(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
  expect(status).toBe(200);
  expect(text).toContain('process_cpu_seconds_total');
  expect(text).toContain(shown);
  expect(text.includes('temporal_request')).toBe(shown !== '');
});

it("the SDK's exporter gets another port if the first one is taken meanwhile, and nothing else is tried again", async () => {
  const tried: string[] = [];
  const install = (address: string) => {
    tried.push(address);
    if (tried.length < 3)
      throw new Error('Failed to start prometheus metrics exporter: Address already in use (os error 98)');
  };
  await withTemporalMetrics(install);
  expect(tried).toHaveLength(3);
  expect(tried.filter((address) => !/^127\.0\.0\.1:\d+$/.test(address))).toEqual([]);
  const other = () => {
    throw new Error('Runtime singleton has already been installed');
  };
  await expect(withTemporalMetrics(other)).rejects.toThrow('already been installed');
});

it('a dependency that is degraded shows 0, one that is not configured shows nothing', async () => {
  const registry = createRegistry('test');
  const checks = {
    database: 'ready',
    mail: 'degraded: ECONNREFUSED',
    temporal: 'not_ready: timed out',
    redis: 'degraded: not configured',
  };
  observeDependencies(registry, { look: async () => ({ ready: false, checks, open: [] }) });
  const shown = (await registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith('countersign_dependency_ready{'));
  expect(shown).toEqual([
    'countersign_dependency_ready{dependency="database",process="test"} 1',
    'countersign_dependency_ready{dependency="mail",process="test"} 0',
    'countersign_dependency_ready{dependency="temporal",process="test"} 0',
  ]);
});
