// A host that backs up: its cluster, its worker process, and backups that are started as a script starts them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createBackupActivities } from '../../activities/backup';
import type { Manifest } from '../../activities/backup/manifest';
import { readLock } from '../../activities/backup/orphan';
import { readCatalogue } from '../../activities/backup/sets';
import type { backup } from '../../workflows';
import {
  BACKUP_PARTS,
  type BackupInput,
  type BackupResult,
  type BackupStep,
  backupWorkflowId,
  progress,
  toSetId,
} from '../../workflows/contracts/backup';
import type { RecoveryProgress } from '../../workflows/contracts/recovery-progress';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { openTestDatabase, type TestDatabase } from '../support/database';
import { type Environment, ServiceProcess } from '../support/processes';
import { quiet } from '../support/quiet-temporal';
import { type HostOptions, type RecoveryHost, startRecoveryHost } from '../support/recovery-host';
import { pauseBackups } from '../support/schedules';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';

const NEVER = new AbortController().signal;

export class BackupService {
  readonly workers: ServiceProcess[] = [];
  constructor(
    readonly host: RecoveryHost,
    readonly temporal: TestNamespace,
    readonly database: TestDatabase,
  ) {}

  static async start(given: Partial<Environment> = {}, options: HostOptions = {}): Promise<BackupService> {
    const temporal = await createTestNamespace();
    await pauseBackups(temporal.client);
    const host = await startRecoveryHost({ TEMPORAL_NAMESPACE: temporal.namespace, ...given }, options);
    return new BackupService(host, temporal, openTestDatabase(host.environment.DATABASE_URL ?? ''));
  }

  get tools() {
    return this.host.tools;
  }
  /** Of a repository in a folder. */
  get folder(): string {
    return (this.host.environment.BACKUP_URL ?? '').slice('file://'.length);
  }

  async startWorker(extra: Environment = {}): Promise<ServiceProcess> {
    const worker = ServiceProcess.start('worker', 'worker/main.js', { ...this.host.environment, ...extra });
    this.workers.push(worker);
    await until('the worker works', () => existsSync(worker.logFile) && worker.log.includes('The worker works'));
    return worker;
  }

  start(kind: BackupInput['kind'], parts: BackupInput['parts'] = [...BACKUP_PARTS]) {
    const setId = toSetId(new Date());
    return this.temporal.client.workflow.start<typeof backup>('backup', {
      workflowId: backupWorkflowId(setId),
      taskQueue: TASK_QUEUES.ops,
      args: [{ setId, kind, parts }],
    });
  }

  /** To its end, however it ends. */
  async run(
    kind: BackupInput['kind'],
    parts?: BackupInput['parts'],
  ): Promise<RecoveryProgress<BackupStep, BackupResult>> {
    const handle = await this.start(kind, parts);
    await handle.result().catch(() => {});
    return handle.query(progress);
  }

  /** What a schedule starts, to its end. */
  async runScheduled(scheduleId: string): Promise<RecoveryProgress<BackupStep, BackupResult>> {
    const { schedule, workflow } = this.temporal.client;
    const handle = schedule.getHandle(scheduleId);
    await until('the schedule is made', () => handle.describe().catch(() => null));
    await handle.trigger();
    const { workflowId } = await until('it starts a backup', async () => {
      const { info } = await handle.describe();
      return info.recentActions.at(-1)?.action.workflow;
    });
    const run = workflow.getHandle<typeof backup>(workflowId);
    await run.result().catch(() => {});
    return run.query(progress);
  }

  async untilCopying(): Promise<void> {
    await until('pgBackRest copies', () => (readLock(this.tools.pgbackrest)?.pctCplt ?? 0) > 0);
  }

  async sets(): Promise<Manifest[]> {
    return (await readCatalogue(this.tools, NEVER)).sets;
  }

  /** Steps without a workflow: what they throw can be seen. @param settings for instance an address where nobody listens */
  activities(settings: Partial<RecoveryHost['tools']['settings']> = {}) {
    const tools = { ...this.tools, settings: { ...this.tools.settings, ...settings } };
    const steps = createBackupActivities(tools, { db: this.database.db });
    return <T>(work: (steps: ReturnType<typeof createBackupActivities>) => Promise<T>): Promise<T> =>
      played(Date.now()).run(() => work(steps));
  }

  /** The same database, with other tools. */
  with(tools: RecoveryHost['tools'] | null): BackupService {
    if (!tools) throw new Error('The tools are missing');
    return new BackupService({ ...this.host, tools }, this.temporal, this.database);
  }

  async close(): Promise<void> {
    for (const worker of this.workers) await worker.kill();
    await this.database.drop();
    await this.temporal.close();
    await this.host.server.stop();
  }
}

/** An activity outside of a worker. @param scheduledTimestampMs of its first attempt */
export const played = (scheduledTimestampMs: number) =>
  new MockActivityEnvironment({ scheduledTimestampMs }, { logger: quiet });

/** Of all files below a folder. */
/** Without what is being written: that is gone by the time it is read. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('.incoming'))
    .map((entry) => join(entry.parentPath, entry.name));
}

export const holds = (file: string, words: string): boolean => readFileSync(file).includes(words);
