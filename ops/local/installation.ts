// One installation while it runs: its servers, its services, and their end in order.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { archiveCommand } from '../pgbackrest/pgbackrest';
import { reachableAt } from '../runtime/listening';
import { ensureNamespace } from '../runtime/temporal-namespace';
import { findPgBackRest, HOW_TO_GET_IT } from './binaries/pgbackrest';
import { endRunning, type OnProgress } from './binaries/programs';
import { clusterFolders, isClusterThere } from './clusters';
import { DATABASE, ensureDatabase, migrate } from './database';
import { StartFailure } from './failure';
import { ensureFirstKeys, type FirstKeys } from './first-keys';
import type { Home } from './home';
import { KeptProcesses, type Own } from './kept-processes';
import { KeptReleases } from './kept-releases';
import { ownerUrl } from './owner';
import type { Plan } from './plan';
import { keepPassword, startPostgres } from './postgres';
import { endLeftoverPostmaster } from './postmaster';
import { startRedisWherePossible } from './redis';
import type { RuntimeFile } from './runtime-file';
import { startService, untilReady } from './service';
import { Services } from './services';
import { startTemporal } from './temporal';

export const LOOPBACK = '127.0.0.1';
const LOOKS_EACH_MS = 200;
const READY_WITHIN_MS = 90_000;
const MAIL_LOOKS_EACH_MS = 3_000;

export interface InstallationOptions {
  root: string;
  home: Home;
  plan: Plan;
  runtime: RuntimeFile;
  /** One for each that may have something to tell at the same time. */
  newProgress(): OnProgress;
  /** A line for who looks at the terminal. */
  say(line: string): void;
  mode: Mode;
}

/**
 * `restoring`: only what a restore needs: no API, and the database may not be there. `releasing`: what a rollback needs: the
 * release that is to go may be unable to become ready.
 */
export type Mode = 'serving' | 'restoring' | 'releasing';

export class Installation {
  private readonly processes: KeptProcesses;
  private readonly services: Services;
  private readonly releases: KeptReleases;
  readonly addresses: { database: string; temporal: string; temporalUi: string | null; redis: string | null };
  readonly smtp: string;
  readonly mailbox: string | null;
  readonly api: string;
  /** Null with a database of somebody else's: then an admin makes keys. */
  keys: FirstKeys | null = null;
  /** What the service works without, and why. */
  degraded: string[] = [];

  constructor(private readonly options: InstallationOptions) {
    const { ports, given, env, settings } = options.plan;
    this.processes = new KeptProcesses(options);
    this.services = new Services({
      ...options,
      processes: this.processes,
      connections: () => ({ ...this.addresses, smtp: this.smtp, postgres: this.clusters }),
    });
    const { releases } = this.services;
    this.releases = new KeptReleases({
      ...releases,
      start: (name, starting) => this.services.start(name, starting),
      end: (name) => this.processes.end(name),
      say: options.say,
    });
    this.api = `http://${reachableAt({ host: settings.HOST, port: ports.api })}`;
    this.smtp = given.smtp ?? `smtp://${LOOPBACK}:${ports.smtp}`;
    this.mailbox = given.smtp ? null : `http://${LOOPBACK}:${ports.mailbox}`;
    this.addresses = {
      database: given.database ?? '',
      temporal: given.temporal ?? `${LOOPBACK}:${ports.temporal}`,
      temporalUi: env.TEMPORAL_UI_URL ?? (given.temporal ? null : `http://${LOOPBACK}:${ports.temporalUi}`),
      redis: given.redis ?? null,
    };
  }

  async start(): Promise<void> {
    if (this.options.mode === 'restoring' && !this.options.plan.given.database) return this.startForRestore();
    await Promise.all([this.startDatabase(), this.startTemporal(), this.startRedis(), this.startMailbox()]);
    // Whoever waits for `/ready` finds the keys and the addresses.
    if (!this.options.plan.given.database) {
      this.keys = await ensureFirstKeys(this.options.home, this.addresses.database);
    }
    this.tell();
    this.releases.start();
    if (this.options.mode !== 'releasing') await this.untilServing();
    this.processes.isUp = true;
    await this.services.startReleasesHost();
    void this.watchMail();
  }

  private async untilServing(): Promise<void> {
    // A rollback that was cut off goes on by itself, and starts the API.
    if (this.releases.wanted.api === null) return;
    const services = () => this.releases.services;
    const [health] = await Promise.all([
      untilReady(`${this.api}/ready`, services, READY_WITHIN_MS),
      untilReady(this.metrics('workerMetrics'), services, READY_WITHIN_MS),
    ]);
    // Held mail is told of as soon as it is known, which may be later.
    this.degraded.push(...degradedIn(health).filter((part) => !part.startsWith('mail is held')));
  }

  /** Mail that is held is nothing to find out by chance. */
  private async watchMail(): Promise<void> {
    for (let told: string | null = null; !this.processes.isStopped; ) {
      const mail = await fetch(`${this.api}/ready`, { signal: AbortSignal.timeout(MAIL_LOOKS_EACH_MS) })
        .then((response) => response.json() as Promise<{ checks?: Record<string, string> }>)
        .then(({ checks }) => checks?.mail ?? null)
        .catch(() => null);
      const held = mail?.startsWith('held') ? mail : null;
      if (held && held !== told) this.options.say(`\n  Attention: mail is ${held}\n`);
      if (mail) told = held;
      await delay(MAIL_LOOKS_EACH_MS, undefined, { ref: false });
    }
  }

  private async startForRestore(): Promise<void> {
    const { ports } = this.options.plan;
    const password = keepPassword(this.clusters);
    this.addresses.database = ownerUrl(`postgresql://postgres:${password}@${LOOPBACK}:${ports.postgres}`, DATABASE);
    await Promise.all([this.startTemporal(), this.startRedis(), this.startMailbox()]);
    this.tell();
    const [workers = this.services.releases.first.workers[0]] = this.releases.wanted.workers;
    if (workers) await this.services.start('worker', { kind: 'workers', ...workers });
    this.processes.isUp = true;
    void this.startOnceThere();
  }

  /** The cluster may be missing, or too damaged to start, until another has been restored. */
  private async startOnceThere(): Promise<void> {
    while (!this.processes.isStopped) {
      if (isClusterThere(this.clusters) && (await this.startPostgres().then(Boolean, () => false))) return;
      await delay(LOOKS_EACH_MS);
    }
  }

  /** The release that was deployed and serves; null if it is that of this folder. */
  get deployed(): string | null {
    const { api, workers } = this.releases.wanted;
    return workers.some(({ buildId }) => buildId !== null) ? api : null;
  }

  private get clusters(): string {
    return this.options.home.server('postgres');
  }

  /** Those who take work first, those who keep it last. */
  async stop(): Promise<void> {
    endRunning();
    this.processes.isStopped = true;
    await Promise.all([this.releases.stop(), this.processes.end('releases')]);
    await this.processes.stop([['worker', 'releases'], ['mailbox'], ['temporal', 'redis'], ['postgres']]);
  }

  private tell(): void {
    const { database, temporal, temporalUi, redis } = this.addresses;
    this.options.runtime.tell({
      api: this.api,
      temporal: `grpc://${temporal}`,
      temporalUi,
      database,
      redis,
      smtp: this.smtp,
      mailbox: this.mailbox,
      metrics: this.metrics('metrics'),
    });
  }

  private metrics(of: 'metrics' | 'workerMetrics'): string {
    const { settings, ports } = this.options.plan;
    return `http://${reachableAt({ host: settings.METRICS_HOST, port: ports[of] })}/metrics`;
  }

  private async startDatabase(): Promise<void> {
    const { plan } = this.options;
    const onProgress = this.options.newProgress();
    if (!plan.given.database) this.addresses.database = await ensureDatabase(await this.startPostgres());
    // After a rollback the folder of this very supervisor may hold migrations that were undone.
    if (this.releases.wanted.api === null) return;
    await migrate(this.services.folderOf(this.releases.wanted.api), this.addresses.database, onProgress).catch(
      (error) => {
        if (!plan.given.database) throw error;
        throw new StartFailure(
          `The database of DATABASE_URL can't be used (${error.message || error.code}). Start it or correct the address; with DATABASE_URL unset, one is brought up here.`,
        );
      },
    );
  }

  /** @returns its address, without a database */
  private async startPostgres(): Promise<string> {
    const { plan, newProgress } = this.options;
    const folder = this.clusters;
    const onProgress = newProgress();
    const pgbackrest = await findPgBackRest(onProgress);
    if (!pgbackrest) this.degraded.push(`backups are off: ${HOW_TO_GET_IT}`);
    // A restore that was cut off may have left one running beside.
    for (const cluster of clusterFolders(folder)) await endLeftoverPostmaster(cluster);
    const archive = pgbackrest ? archiveCommand(pgbackrest, folder) : undefined;
    const { url } = await this.processes.keep('postgres', (own) =>
      startPostgres({ ...own, folder, port: plan.ports.postgres, onProgress, archiveCommand: archive }),
    );
    return url;
  }

  private async startTemporal(): Promise<void> {
    const { home, plan } = this.options;
    const onProgress = this.options.newProgress();
    if (plan.given.temporal) return;
    const { temporal: port, temporalUi: uiPort } = plan.ports;
    const namespace = plan.temporalNamespace;
    await this.processes.keep('temporal', (own) =>
      startTemporal({
        ...own,
        folder: home.server('temporal'),
        port,
        uiPort,
        namespace,
        onProgress,
        inBackground: true,
      }),
    );
    await ensureNamespace(this.addresses.temporal, namespace);
  }

  private async startRedis(): Promise<void> {
    const { home, plan } = this.options;
    const onProgress = this.options.newProgress();
    if (plan.given.redis) return;
    const start = (own: Own) =>
      startRedisWherePossible({ ...own, folder: home.server('redis'), port: plan.ports.redis, onProgress });
    // Whether there is one shows at the first start; from then on it is kept.
    let first = await start(this.processes.own('redis'));
    if (!first) return;
    const { url } = await this.processes.keep('redis', async (own) => {
      const server = first ?? (await start(own));
      first = null;
      if (!server) throw new Error('redis-server is gone');
      return server;
    });
    this.addresses.redis = url;
  }

  private async startMailbox(): Promise<void> {
    const { home, plan } = this.options;
    if (!this.mailbox) return;
    const env = {
      PATH: process.env.PATH,
      MAILBOX_FOLDER: home.mail,
      MAILBOX_SMTP_PORT: String(plan.ports.smtp),
      MAILBOX_PAGE_PORT: String(plan.ports.mailbox),
    };
    const mailbox = await this.processes.keep('mailbox', (own) =>
      startService({
        ...own,
        name: 'Mailbox',
        url: this.smtp,
        script: 'ops/local/mailbox/main.js',
        env,
        stopWithinMs: 5_000,
      }),
    );
    await untilReady(`${this.mailbox}/health`, () => [mailbox], 20_000);
  }
}

function degradedIn(health: string): string[] {
  const { checks } = JSON.parse(health) as { checks: Record<string, string> };
  return Object.entries(checks)
    .filter(([, state]) => state !== 'ready')
    .map(([name, state]) => `${name} is ${state}`);
}

/** The folder of the clone, from dist/ops/local. */
export const ROOT = join(__dirname, '..', '..', '..');
