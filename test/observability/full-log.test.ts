// Logs into sinks that take nothing: a full disk, and a pipe that nobody reads. Linux alone has `/dev/full`.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { newFolder, testEnvironment } from '../support/environment';
import type { Environment } from '../support/processes';
import { until } from '../support/until';

const onLinux = process.platform === 'linux' ? describe : describe.skip;
const DIST = join(PACKAGE_ROOT, 'dist');

const children: ChildProcess[] = [];
const files: number[] = [];
let environment: Environment;
beforeAll(async () => {
  const away = { DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/nothing', SMTP_URL: 'smtp://127.0.0.1:9' };
  const temporal = { TEMPORAL_NAMESPACE: 'default', TEMPORAL_ADDRESS: '127.0.0.1:9' };
  environment = await testEnvironment({ ...away, ...temporal });
});
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const file of files) closeSync(file);
});

function open(path: string, flags: number): number {
  const file = openSync(path, flags);
  files.push(file);
  return file;
}

/** A pipe that is full, and whose reader waits until it is drained. */
function fullPipe() {
  const path = join(newFolder('pipe'), 'log');
  execFileSync('mkfifo', [path]);
  const reader = open(path, constants.O_RDWR | constants.O_NONBLOCK);
  const writer = open(path, constants.O_WRONLY);
  const filling = Buffer.alloc(4_096, '\n');
  const fill = () => writeSync(reader, filling);
  for (let isFull = false; !isFull; ) {
    try {
      fill();
    } catch {
      isFull = true;
    }
  }
  let text = '';
  return {
    writer,
    read(): string {
      const buffer = Buffer.alloc(65_536);
      try {
        for (;;) text += buffer.toString('utf8', 0, readSync(reader, buffer));
      } catch {
        return text;
      }
    },
  };
}

function start(args: string[], log: number, stderr: number | 'pipe' = log): ChildProcess {
  const env = { PATH: process.env.PATH ?? '', NODE_ENV: 'production', ...environment };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', log, stderr] });
  children.push(child);
  return child;
}
/** Runs code that has a logger. */
const program = (code: string) => [
  '-e',
  `const logger = require(${JSON.stringify(join(DIST, 'ops/runtime/logging'))}).createLogger('test'); ${code}`,
];
const messages = (log: string) =>
  log
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Null while it runs. */
async function endsWithin(ms: number, child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await Promise.race([once(child, 'exit'), new Promise((end) => setTimeout(end, ms))]);
  return child.exitCode;
}

const MAIN = { api: 'PORT', worker: 'WORKER_METRICS_PORT' };
const PATHS = { api: '/health', worker: '/metrics' };

onLinux('a process whose log takes nothing', () => {
  it.each<['api' | 'worker', string, () => number]>([
    ['api', 'a full disk', () => open('/dev/full', constants.O_WRONLY)],
    ['api', 'a pipe that nobody reads', () => fullPipe().writer],
    ['worker', 'a full disk', () => open('/dev/full', constants.O_WRONLY)],
    ['worker', 'a pipe that nobody reads', () => fullPipe().writer],
  ])('the %s answers and ends in order with its log on %s', async (name, _sink, log) => {
    const child = start([join(DIST, name, 'main.js')], log());
    const url = `http://127.0.0.1:${environment[MAIN[name]]}${PATHS[name]}`;
    const answer = () => fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => false as const);
    expect(await until('it answers', answer)).toMatchObject({ status: 200 });
    child.kill('SIGTERM');
    expect(await endsWithin(10_000, child)).toBe(0);
  });

  it('a fatal error on a full disk ends the process', async () => {
    const child = start(program("logger.fatal('the end'); process.exit(3)"), open('/dev/full', constants.O_WRONLY));
    expect(await endsWithin(5_000, child)).toBe(3);
  });

  it('what was kept comes in order once the pipe is read, and what was dropped is counted', async () => {
    const pipe = fullPipe();
    const metrics = JSON.stringify(join(DIST, 'ops/runtime/metrics'));
    const child = start(
      program(`
        for (let n = 0; n < 20000; n++) logger.info({ n }, 'a line of the log');
        require(${metrics}).createRegistry('test').getSingleMetricAsString('countersign_log_lines_dropped_total')
          .then((text) => process.stderr.write(text));
        setInterval(() => {}, 1000);`),
      pipe.writer,
      'pipe',
    );
    let metric = '';
    child.stderr?.on('data', (chunk) => {
      metric += chunk;
    });
    await until('the metric is told', () => metric.includes('dropped_total{'));
    const dropped = Number(/dropped_total\{.*\} (\d+)/.exec(metric)?.[1]);
    expect(dropped).toBeGreaterThan(1_000);
    await until('the loss is told', () => pipe.read().includes('Log lines were dropped'));
    const lines = messages(pipe.read());
    expect(lines.pop()).toMatchObject({ level: 50, dropped });
    expect(lines.map(({ n }) => n)).toEqual(Array.from({ length: 20_000 - dropped }, (_, n) => n));
  });

  it('the last line before the end reaches a pipe that is read', async () => {
    const child = spawn(process.execPath, program("logger.fatal('the end'); process.exit(3)"), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    let log = '';
    child.stdout.on('data', (chunk) => {
      log += chunk;
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(3);
    expect(messages(log)).toMatchObject([{ level: 60, msg: 'the end' }]);
  });
});
