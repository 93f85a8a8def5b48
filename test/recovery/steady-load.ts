// A hundred requests a second, whatever happens: a client that submits, and repeats with the same key what was not answered.
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from '../support/api-client';
import { aDraft } from '../support/commands';
import { ADMIN_PASSWORD } from '../support/environment';
import { isLongRun } from '../support/servers';
import { until } from '../support/until';

const A_SECOND = 100;
/** As a careful client. */
const ANSWERED_WITHIN_MS = 10_000;
const DRAINED_WITHIN_MS = isLongRun ? 300_000 : 90_000;

interface Asked {
  status: number | null;
  /** Of the connection. */
  code: string | null;
  /** The draft's id, or a new key. */
  id: string | null;
}

export class SteadyLoad {
  readonly acknowledged = new Set<string>();
  /** How often a request was not answered with success, by status or code of the connection. */
  readonly refused: Record<string, number> = {};
  private readonly agent = new Agent({ keepAlive: true });
  private readonly unanswered: number[] = [];
  private readonly ending = new AbortController();
  private headers: Record<string, string> = {};
  private next = 0;
  private underway = 0;
  private running: Promise<void> = Promise.resolve();

  /** @param port of the process that gets the next request, as a load balancer knows it */
  constructor(
    private readonly port: () => string | undefined,
    private readonly onRefused: (code: string) => void = () => {},
  ) {}

  /** As soon as the API is ready. */
  async begin(): Promise<void> {
    await until('the API is ready', () => new ApiClient(`http://127.0.0.1:${this.port()}`, {}).ready());
    const admin = { 'x-admin-token': ADMIN_PASSWORD };
    const { id: key } = await this.post('/api/keys', admin, { name: `client ${process.pid}`, roles: ['author'] });
    this.headers = { authorization: `Bearer ${key}` };
    this.running = this.run();
  }

  /** Until so many more drafts are acknowledged. */
  reaches(more: number): Promise<unknown> {
    const goal = this.acknowledged.size + more;
    return until(`${goal} drafts are acknowledged`, () => this.acknowledged.size >= goal, DRAINED_WITHIN_MS);
  }
  /** Submits nothing new. @returns how many drafts were submitted, once all are acknowledged */
  async end(): Promise<number> {
    this.ending.abort();
    await this.running;
    this.agent.destroy();
    return this.next;
  }
  /** What was refused while this was done. */
  async refusedDuring(act: () => Promise<unknown>): Promise<string[]> {
    const before = { ...this.refused };
    await act();
    return Object.keys(this.refused).filter((code) => this.refused[code] !== before[code]);
  }

  private async run(): Promise<void> {
    const began = Date.now();
    for (let tick = 0; !this.isOver; tick++) {
      const n = this.unanswered.shift() ?? (this.ending.signal.aborted ? null : this.next++);
      if (n !== null) void this.submit(n);
      await delay(Math.max(0, began + (tick * 1000) / A_SECOND - Date.now()));
    }
  }
  private get isOver(): boolean {
    return this.ending.signal.aborted && this.underway === 0 && this.unanswered.length === 0;
  }

  private async submit(n: number): Promise<void> {
    this.underway += 1;
    const body = aDraft({ to: `reader-${n}@example.org`, confidence: 1 });
    const { status, code, id } = await this.post(
      '/api/drafts',
      { ...this.headers, 'idempotency-key': `draft ${n}` },
      body,
    );
    this.underway -= 1;
    if (id && (status === 201 || status === 200)) return void this.acknowledged.add(id);
    const refusal = code ?? String(status);
    this.refused[refusal] = (this.refused[refusal] ?? 0) + 1;
    this.onRefused(refusal);
    this.unanswered.push(n);
  }

  private post(path: string, headers: Record<string, string>, body: object): Promise<Asked> {
    return new Promise((resolve) => {
      const cutOff = (error: unknown) =>
        resolve({ status: null, code: (error as NodeJS.ErrnoException).code ?? 'unknown', id: null });
      const asked = request({
        port: this.port(),
        path,
        method: 'POST',
        agent: this.agent,
        headers: { 'content-type': 'application/json', ...headers },
        signal: AbortSignal.timeout(ANSWERED_WITHIN_MS),
      });
      asked.on('error', cutOff);
      asked.on('response', async (response) => {
        let text = '';
        try {
          for await (const chunk of response) text += chunk;
          const { id = null, key = null } = JSON.parse(text);
          resolve({ status: response.statusCode ?? null, code: null, id: key ?? id });
        } catch (error) {
          cutOff(error);
        }
      });
      asked.end(JSON.stringify(body));
    });
  }
}
