// Starts our own services with what they need to know: the API and the workers of each release, and the releases host.
import type { Wanted } from '../releases/driver';
import { folderOf } from '../releases/process/folders';
import { RELEASES_FOLDER } from '../releases/process/records';
import { readRelease } from '../releases/release';
import { reachableAt } from '../runtime/listening';
import { dataPaths } from './data-paths';
import { StartFailure } from './failure';
import type { Home } from './home';
import type { KeptProcesses } from './kept-processes';
import type { Started, Starting } from './kept-releases';
import type { Plan, Ports } from './plan';
import { freePort } from './ports';
import { startService } from './service';
import type { Supervised } from './supervised';

export interface ServicesOptions {
  root: string;
  home: Home;
  plan: Plan;
  processes: KeptProcesses;
  /** As they are known when a service starts. */
  connections(): Connections;
  say(line: string): void;
}

interface Connections {
  database: string;
  temporal: string;
  temporalUi: string | null;
  redis: string | null;
  smtp: string;
  /** The folder of the embedded database's clusters. */
  postgres: string;
}

interface OwnService {
  title: string;
  /** Below dist/. */
  script: string;
  url: string;
  root: string;
  /** Beyond that of every service. */
  env: NodeJS.ProcessEnv;
  inBackground: boolean;
}

export class Services {
  /** The folder of releases, and the release that runs before the first deployment. */
  readonly releases: { folder: string; first: Wanted };

  constructor(private readonly options: ServicesOptions) {
    const { version } = readRelease(options.root);
    this.releases = {
      folder: options.home.server(RELEASES_FOLDER),
      first: { api: version, trial: null, workers: [{ version, buildId: null }] },
    };
  }

  /** Throws StartFailure if the release is gone. */
  folderOf(version: string): string {
    const { folder } = this.releases;
    const found = folderOf({ folder, root: this.options.root }, version);
    if (found) return found;
    throw new StartFailure(
      `The release ${version} is gone from ${folder}: put it back, or remove current.json there to start the release of this folder.`,
    );
  }

  /** The usual ports for those that have them alone; free ones for what runs beside. */
  async start(name: string, { kind, version, buildId }: Starting): Promise<Started> {
    const { plan } = this.options;
    const { settings } = plan;
    const isUsual = name === 'api' || name === 'worker';
    const [own, metrics] = await portsFor(plan.ports, kind, isUsual);
    const at = (host: string, port: number) => `http://${reachableAt({ host, port })}`;
    const url = at(settings.HOST, own);
    const ports =
      kind === 'workers'
        ? { WORKER_PORT: String(own), WORKER_METRICS_PORT: String(metrics) }
        : { PORT: String(own), METRICS_PORT: String(metrics) };
    const supervised = await this.startService(name, {
      title: kind === 'workers' ? 'Worker' : 'API',
      script: kind === 'workers' ? 'worker/main.js' : 'api/main.js',
      url,
      root: this.folderOf(version),
      env: { ...ports, ...(buildId === null ? {} : { TEMPORAL_WORKER_BUILD_ID: buildId }) },
      inBackground: kind === 'workers',
    });
    return { supervised, url, metrics: `${at(settings.METRICS_HOST, metrics)}/metrics` };
  }

  /** Nobody waits for it: it only rolls releases out and back. */
  async startReleasesHost(): Promise<void> {
    const { root, processes, say } = this.options;
    await this.startService('releases', {
      title: 'Releases host',
      script: 'worker/releases.js',
      url: '',
      root,
      env: { RELEASES_DRIVER: 'process', RELEASES_FOLDER: this.releases.folder },
      inBackground: true,
    }).catch((error: Error) => {
      if (!processes.isStopped) say(`Deployments and rollbacks are off: ${error.message}`);
    });
  }

  private startService(name: string, { title, env, ...service }: OwnService): Promise<Supervised> {
    const { home, plan, processes, connections } = this.options;
    const { database, temporal, temporalUi, redis, smtp, postgres } = connections();
    const here = {
      temporal: !plan.given.temporal,
      redis: !plan.given.redis && redis !== null,
      mailbox: !plan.given.smtp,
    };
    const all = {
      ...dataPaths(home, here),
      ...plan.env,
      DATABASE_URL: database,
      ...(plan.given.database ? {} : { POSTGRES_HOME: postgres }),
      TEMPORAL_ADDRESS: temporal,
      SMTP_URL: smtp,
      ...(temporalUi ? { TEMPORAL_UI_URL: temporalUi } : {}),
      ...(redis ? { REDIS_URL: redis } : {}),
      ...env,
    };
    const stopWithinMs = (plan.settings.SHUTDOWN_DRAIN_SECONDS + 5) * 1000;
    return processes.keep(name, (own) => startService({ ...own, ...service, name: title, env: all, stopWithinMs }));
  }
}

async function portsFor(
  usual: Ports,
  kind: Starting['kind'],
  isUsual: boolean,
): Promise<[own: number, metrics: number]> {
  if (isUsual) return kind === 'workers' ? [usual.worker, usual.workerMetrics] : [usual.api, usual.metrics];
  const own = await freePort();
  return [own, await freePort(0, new Set([own]))];
}
