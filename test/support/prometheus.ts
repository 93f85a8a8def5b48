// A Prometheus of a test's own, with our rules, which scrapes often.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../../ops/local/ports';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { newFolder } from './environment';
import { noteEnd, noteStart } from './leftovers.cjs';
import { testServers } from './servers';
import { until } from './until';

export interface RuleState {
  name: string;
  query: string;
  health: 'ok' | 'err' | 'unknown';
  lastError?: string;
}
type Series = { metric: Record<string, string>; value: [number, string] };

export class TestPrometheus {
  private constructor(
    private readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** @param jobs host:port of each, by the name of the job */
  static async start(jobs: Record<string, string>): Promise<TestPrometheus> {
    const folder = newFolder('prometheus');
    const port = await freePort();
    const config = {
      global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '2s' },
      rule_files: [join(PACKAGE_ROOT, 'ops', 'prometheus', 'rules', '*.yml')],
      scrape_configs: Object.entries(jobs).map(([job_name, target]) => ({
        job_name,
        static_configs: [{ targets: [target] }],
      })),
    };
    const file = join(folder, 'prometheus.yml');
    writeFileSync(file, stringify(config));
    const options = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ];
    const child = spawn('prometheus', options, { stdio: ['ignore', 'ignore', 'inherit'] });
    noteStart(testServers().folder, child.pid as number);
    const prometheus = new TestPrometheus(`http://127.0.0.1:${port}`, child);
    await until('Prometheus is ready', () =>
      fetch(`${prometheus.url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return prometheus;
  }

  /** What the query gives now. Throws if Prometheus refuses it. */
  async query(query: string): Promise<Series[]> {
    const { data } = await this.ask(`query?${new URLSearchParams({ query })}`);
    return data.result;
  }

  /** Every rule, once each has been evaluated. */
  async rules(): Promise<RuleState[]> {
    return until('every rule is evaluated', async () => {
      const { data } = await this.ask('rules');
      const rules = (data.groups as { rules: RuleState[] }[]).flatMap((group) => group.rules);
      return rules.length > 0 && rules.every(({ health }) => health !== 'unknown') ? rules : null;
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: its callers know the shape of what they ask
  private async ask(path: string): Promise<any> {
    const answer = await fetch(`${this.url}/api/v1/${path}`);
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const body = (await answer.json()) as any;
    if (body.status !== 'success') throw new Error(`${path}: ${body.error}`);
    return body;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    noteEnd(testServers().folder, this.child.pid as number);
  }
}
