// A small HTTP server as a process of its own, which stands for the API or a worker of a release: it answers `/ready`, `/health`
// and `/metrics` as a test says, and the test may change or kill it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../ops/local/ports';
import { launch, type Server } from '../../ops/local/server';
import type { RunningProcess } from '../../ops/releases/driver';
import { newFolder } from '../support/environment';
import { noteEnd, noteStart } from '../support/leftovers.cjs';
import { testServers } from '../support/servers';

export interface Answers {
  version: string;
  ready: boolean;
  /** In Prometheus's text format; null answers 404. */
  metrics: string | null;
}

/** Reads its answers anew for each request, so that a test changes them by a file. */
const PROGRAM = `
const { createServer } = require('node:http');
const { readFileSync } = require('node:fs');
const [port, file] = process.argv.slice(2);
createServer(({ url }, response) => {
  const { version, ready, metrics } = JSON.parse(readFileSync(file, 'utf8'));
  const answers = {
    '/ready': [ready ? 200 : 503, ''],
    '/health': [200, JSON.stringify({ status: 'ok', version })],
    '/metrics': [metrics === null ? 404 : 200, metrics ?? ''],
  };
  const [status, text] = answers[url] ?? [404, ''];
  response.writeHead(status).end(text);
}).listen(Number(port), '127.0.0.1');
`;

export class SmallServer {
  deaths = 0;

  private constructor(
    private readonly folder: string,
    readonly port: number,
    private answers: Answers,
    private server: Server,
  ) {}

  static async start(answers: Answers): Promise<SmallServer> {
    const folder = newFolder('small-server');
    writeFileSync(join(folder, 'program.cjs'), PROGRAM);
    writeAnswers(folder, answers);
    const port = await freePort();
    return new SmallServer(folder, port, answers, await launchAt(folder, port));
  }

  /** As a driver sees it. */
  get running(): RunningProcess {
    const url = `http://127.0.0.1:${this.port}`;
    return { version: this.answers.version, url, metrics: `${url}/metrics`, deaths: this.deaths };
  }

  answer(changes: Partial<Answers>): void {
    this.answers = { ...this.answers, ...changes };
    writeAnswers(this.folder, this.answers);
  }

  /** Killed, and started again at the same port, as a supervisor does it. */
  async die(): Promise<void> {
    await this.kill();
    this.deaths += 1;
    this.server = await launchAt(this.folder, this.port);
  }

  async kill(): Promise<void> {
    process.kill(this.server.pid, 'SIGKILL');
    await this.server.exited;
    noteEnd(testServers().folder, this.server.pid);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    noteEnd(testServers().folder, this.server.pid);
  }
}

const writeAnswers = (folder: string, answers: Answers) =>
  writeFileSync(join(folder, 'answers.json'), JSON.stringify(answers));

const launchAt = (folder: string, port: number) =>
  launch({
    name: 'small server',
    url: `http://127.0.0.1:${port}`,
    command: process.execPath,
    args: [join(folder, 'program.cjs'), String(port), join(folder, 'answers.json')],
    log: join(folder, 'log'),
    onSpawn: (pid) => noteStart(testServers().folder, pid),
    ready: async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok,
  });
