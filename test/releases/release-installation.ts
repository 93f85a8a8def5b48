// An installation whose releases a test rolls out and back, and what shows which of them serves.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { readRelease } from '../../ops/releases/release';
import { OwnInstallation } from '../local/own-installation';
import { readSchema } from '../support/schema-dump';
import { until } from '../support/until';
import { type Ended, runToEnd } from './run-node';

interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects.
  body: any;
}

export class ReleaseInstallation {
  /** The version that serves before the first deployment. */
  readonly first: string;

  private constructor(readonly own: OwnInstallation) {
    this.first = readRelease(own.folder).version;
  }

  static async start(): Promise<ReleaseInstallation> {
    return new ReleaseInstallation(await OwnInstallation.start());
  }

  async openTemporal(): Promise<Client> {
    const { temporal = '' } = this.own.read('runtime.json');
    return new Client({ connection: await Connection.connect({ address: new URL(temporal).host }) });
  }

  stop = () => this.own.stop();

  get folder(): string {
    return this.own.folder;
  }

  /** `ops/deploy.sh` or `ops/rollback.sh`. */
  command(name: 'deploy' | 'rollback', ...args: string[]): Promise<Ended> {
    const { folder: cwd, env } = this.own;
    return runToEnd(join(cwd, 'ops', `${name}.sh`), args, { cwd, env });
  }

  /** Throws, with what it printed, unless it ends with 0. @returns its document */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects.
  async done(name: 'deploy' | 'rollback', ...args: string[]): Promise<any> {
    const { code, stdout, stderr } = await this.command(name, ...args, '--json');
    if (code !== 0) throw new Error(`${name} ended with ${code}:\n${stdout}\n${stderr}\n${this.log('releases')}`);
    return JSON.parse(stdout);
  }

  log = (name: string): string =>
    readFileSync(join(this.folder, '.countersign', 'logs', `${name}.log`), 'utf8').slice(-4_000);

  /** What every log of the services says, for a word that must not be there. */
  logs(): string {
    const logs = join(this.folder, '.countersign', 'logs');
    return readdirSync(logs)
      .filter((name) => /^(api|worker|releases)/.test(name))
      .map((name) => readFileSync(join(logs, name), 'utf8'))
      .join('\n');
  }

  get pids(): Record<string, number> {
    return this.own.read('runtime.json').pids as unknown as Record<string, number>;
  }

  get api(): string {
    return `http://127.0.0.1:${this.own.env.PORT}`;
  }

  async call(method: string, path: string, role: 'author' | 'approver' | 'admin', body?: unknown): Promise<Answer> {
    const credential =
      role === 'admin'
        ? { 'x-admin-token': this.own.read('settings.json').ADMIN_PASSWORD as string }
        : { authorization: `Bearer ${this.own.read('keys.json')[role]}` };
    const response = await fetch(this.api + path, {
      method,
      headers: { ...credential, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    return { status: response.status, body: await response.json() };
  }

  /** The version that answers; null while none does. */
  version = (): Promise<string | null> =>
    fetch(`${this.api}/health`, { signal: AbortSignal.timeout(5_000) })
      .then(async (response) => ((await response.json()) as { version: string }).version)
      .catch(() => null);

  isReady = (): Promise<boolean> =>
    fetch(`${this.api}/ready`, { signal: AbortSignal.timeout(5_000) }).then(
      ({ ok }) => ok,
      () => false,
    );

  async submit(to: string): Promise<string> {
    const draft = { to, subject: 'The minutes', body: 'Here they are.', confidence: 0.1 };
    const { status, body } = await this.call('POST', '/api/drafts', 'author', draft);
    if (status !== 201 && status !== 202) throw new Error(`A draft got ${status}: ${JSON.stringify(body)}`);
    return body.id;
  }

  async approve(id: string): Promise<void> {
    const { body: draft } = await this.call('GET', `/api/drafts/${id}`, 'approver');
    const { status, body } = await this.call('POST', `/api/drafts/${id}/approve`, 'approver', {
      revision: draft.revision,
    });
    if (status !== 200) throw new Error(`The approval got ${status}: ${JSON.stringify(body)}`);
  }

  untilSent = (id: string) =>
    until(
      `${id} is sent`,
      async () => {
        const answer = await this.call('GET', `/api/drafts/${id}`, 'author').catch(() => null);
        return answer?.body.status === 'sent' || null;
      },
      120_000,
    );

  /** How many mails each recipient has. */
  mails(): Record<string, number> {
    const folder = join(this.folder, '.countersign', 'mail');
    const counts: Record<string, number> = {};
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.eml'))) {
      const to = /^to: .*?([\w-]+@[\w.-]+)/im.exec(readFileSync(join(folder, name), 'utf8'))?.[1] ?? 'unknown';
      counts[to] = (counts[to] ?? 0) + 1;
    }
    return counts;
  }

  readSchema = () => readSchema(this.own.read('runtime.json').database as string);

  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects.
  async query(sql: string): Promise<any[]> {
    const client = new pg.Client({ connectionString: this.own.read('runtime.json').database });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }
}
