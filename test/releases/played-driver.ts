// A driver of releases whose processes a test plays: whatever is wanted runs at once and answers HTTP. It records which schema
// the releases' programs left.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReleaseDriver, RunningProcess, RunProgram, Wanted } from '../../ops/releases/driver';
import type { Release } from '../../ops/releases/release';

const METRICS = 'countersign_http_request_duration_seconds_count{status="200"} 1';

export class PlayedDriver implements ReleaseDriver {
  readonly name = 'process';
  readonly readyWithinMs = 90_000;
  /** The names of the migrations that the database has. */
  schema: readonly string[] = [];
  /** Versions whose processes never become ready. */
  broken: string[] = [];
  private current: Wanted = { api: null, trial: null, workers: [] };

  private constructor(
    private readonly releases: Release[],
    private readonly server: Server,
  ) {}

  static async start(releases: Release[]): Promise<PlayedDriver> {
    const server = createServer(({ url = '' }, response) => {
      const [, version = '', path] = url.split('/');
      if (path === 'ready' && driver.broken.includes(version)) response.statusCode = 503;
      response.end(path === 'health' ? JSON.stringify({ version }) : METRICS);
    });
    const driver = new PlayedDriver(releases, server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return driver;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  find = async (version: string) => this.releases.find((one) => one.version === version) ?? null;
  wanted = async () => this.current;
  want = async (wanted: Wanted) => {
    this.current = wanted;
  };

  async running() {
    const { api, trial, workers } = this.current;
    const one = (version: string | null) => (version === null ? [] : [this.process(version)]);
    return { api: one(api), trial: one(trial), workers: workers.map(({ version }) => this.process(version)) };
  }

  async run({ version, program, args = [] }: RunProgram) {
    const { migrations = [] } = (await this.find(version)) ?? {};
    let told: unknown = '';
    if (program === 'replay') told = { open: {}, failures: [], failed: 0 };
    if (program === 'migrate') this.schema = migrations;
    if (program === 'migrate:down') {
      const undone = this.schema.filter((name) => name > (args[0] as string));
      if (!args.includes('--dry-run')) this.schema = this.schema.filter((name) => !undone.includes(name));
      told = { undone: undone.reverse().map((migration) => ({ migration, drops: [], deletes: [] })) };
    }
    return { code: 0, stdout: JSON.stringify(told), stderr: '' };
  }

  /** A broken one has died too often to be waited for. */
  private process(version: string): RunningProcess {
    const { port } = this.server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/${version}`;
    return { version, url, metrics: `${url}/metrics`, deaths: this.broken.includes(version) ? 3 : 0 };
  }
}
