// A host whose PostgreSQL is started again by its pointer, with the steps of a restore: what they throw can be seen.
import { readdirSync } from 'node:fs';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { createRestoreActivities, type Restoring } from '../../activities/restore';
import { createFollowUpActivities } from '../../activities/restore/follow-up';
import type { RewindDependencies } from '../../activities/restore/rewound';
import { livingName } from '../../ops/local/clusters';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { createLogger } from '../../ops/runtime/logging';
import { createErasure } from '../../worker/erasure';
import type { RestoreTarget } from '../../workflows/contracts/restore';
import { type Environment, ServiceProcess } from '../support/processes';
import { type SupervisedHost, startSupervisedHost } from '../support/recovery-host';
import { pauseBackups } from '../support/schedules';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { WorkerHere } from '../support/worker-here';

export class RestoringHost {
  readonly steps;
  readonly followUp;
  private readonly ends: (() => Promise<void>)[] = [];

  private constructor(
    readonly host: SupervisedHost,
    readonly temporal: TestNamespace,
  ) {
    this.steps = this.stepsWith();
    this.followUp = createFollowUpActivities(host.tools, this.dependencies(host.tools));
  }

  static async start(given: Partial<Environment> = {}): Promise<RestoringHost> {
    const temporal = await createTestNamespace();
    await pauseBackups(temporal.client);
    return new RestoringHost(await startSupervisedHost({ TEMPORAL_NAMESPACE: temporal.namespace, ...given }), temporal);
  }

  /** A real one, ended with the host. */
  startWorker(extra: Environment = {}): ServiceProcess {
    const worker = ServiceProcess.start('worker', 'worker/main.js', { ...this.host.environment, ...extra });
    this.ends.push(() => worker.kill());
    return worker;
  }
  /** In the test's own process, ended with the host. */
  runWorker(): void {
    const worker = new WorkerHere(this.host.environment);
    this.ends.push(() => worker.stop());
  }

  get tools(): RecoveryTools {
    return this.host.tools;
  }

  /** @param changes for instance another passphrase */
  stepsWith(changes: Partial<RecoveryTools> = {}) {
    const tools = { ...this.host.tools, ...changes };
    return createRestoreActivities(tools, this.dependencies(tools));
  }

  private dependencies({ settings, files, backups }: RecoveryTools): RewindDependencies {
    const logger = createLogger('test', 'silent');
    const temporal = this.temporal.client;
    return {
      temporal,
      erasuresOn: (db) => createErasure({ db, files, backups, redis: null, temporal, settings, logger }).replay,
    };
  }

  readonly run = runStep;

  /** A plan, and its files beside. */
  async bring(target: RestoreTarget): Promise<Restoring> {
    const plan = await this.run(this.steps.preflightRestore, target);
    const restoring = { restoreId: uuidv7(), plan };
    await this.run(this.steps.restoreClusterFiles, restoring);
    return restoring;
  }

  sql<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    return query<T>(this.tools.settings.DATABASE_URL, text, values);
  }

  /** All that a restore which was refused may not have changed. */
  async untouched() {
    const { folder } = this.host;
    return {
      living: livingName(folder),
      clusters: readdirSync(folder).filter((name) => name.startsWith('data') || name.startsWith('truth')),
      instance: await this.sql('SELECT * FROM instance'),
      lanes: await this.sql('SELECT name, held, owner FROM lanes ORDER BY name'),
      events: await this.sql('SELECT count(*)::int AS events FROM audit_events'),
    };
  }

  async close(): Promise<void> {
    for (const end of this.ends) await end();
    await this.temporal.close();
    await this.host.postgres.stop();
  }
}

export async function query<T extends object>(url: string, text: string, values: unknown[] = []): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<T>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** As a worker runs it, without one. */
export function runStep<A extends unknown[], R>(activity: (...args: A) => Promise<R>, ...args: A): Promise<R> {
  const logger = new DefaultLogger('ERROR', () => {});
  return new MockActivityEnvironment(undefined, { logger }).run(activity, ...args);
}
