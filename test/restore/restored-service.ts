// A Countersign with a real worker on a host that backs up and restores: its database, files, Redis and mailbox.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { uuidv7 } from 'uuidv7';
import { startRedis } from '../../ops/local/redis';
import type { backup, reconcileRestore, restore } from '../../workflows';
import { BACKUP_PARTS, backupWorkflowId, toSetId } from '../../workflows/contracts/backup';
import { type RestoreTarget, restoreWorkflowId } from '../../workflows/contracts/restore';
import { reconcileWorkflowId } from '../../workflows/contracts/restore-follow-up';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { openTestDatabase } from '../support/database';
import { newFolder } from '../support/environment';
import { OwnServer } from '../support/own-server';
import type { Environment } from '../support/processes';
import { type SupervisedHost, startSupervisedHost } from '../support/recovery-host';
import { pauseBackups } from '../support/schedules';
import { ErasureService } from '../user-erasure/erasure-service';

export class RestoredService {
  private constructor(
    readonly host: SupervisedHost,
    readonly erasure: ErasureService,
    readonly redisServer: OwnServer,
    /** Others use the server too. */
    readonly redis: Redis,
    private readonly mailbox: string,
  ) {}

  /** @param given for instance BACKUP_URL and AWS_* of an S3 server */
  static async start(given: Environment = {}): Promise<RestoredService> {
    const mailbox = newFolder('mailbox');
    const redisServer = await OwnServer.start(startRedis, 'own-redis');
    const REDIS_URL = `${redisServer.url}/3`;
    const host = await startSupervisedHost({ REDIS_URL, MAILBOX_PATH: mailbox, ...given });
    const {
      BACKUP_URL = '',
      BACKUP_PASSPHRASE = '',
      POSTGRES_HOME = '',
      FILES_URL = '',
      DATABASE_URL = '',
    } = host.environment;
    const erasure = await ErasureService.create({
      database: openTestDatabase(DATABASE_URL),
      environment: {
        ...given,
        BACKUP_URL,
        BACKUP_PASSPHRASE,
        POSTGRES_HOME,
        FILES_URL,
        REDIS_URL,
        MAILBOX_PATH: mailbox,
      },
    });
    await pauseBackups(erasure.base.temporal.client);
    erasure.base.runWorker();
    return new RestoredService(host, erasure, redisServer, new Redis(REDIS_URL), mailbox);
  }

  get base() {
    return this.erasure.base;
  }
  get workflows() {
    return this.base.temporal.client.workflow;
  }
  get tools() {
    return this.host.tools;
  }

  putMail(name: string, to: string): void {
    writeFileSync(join(this.mailbox, `${name}.eml`), `To: ${to}\r\n\r\nhello`);
  }
  mails(): string[] {
    return readdirSync(this.mailbox).filter((name) => name.endsWith('.eml'));
  }
  mailFile(name: string): string {
    return join(this.mailbox, name);
  }

  async startBackup(setId = toSetId(new Date()), workflowId = backupWorkflowId(setId)) {
    const handle = await this.workflows.start<typeof backup>('backup', {
      workflowId,
      taskQueue: TASK_QUEUES.ops,
      args: [{ setId, kind: 'full', parts: [...BACKUP_PARTS] }],
    });
    return { setId, handle };
  }

  /** @returns the set's id */
  async backUp(): Promise<string> {
    const { setId, handle } = await this.startBackup();
    await handle.result();
    return setId;
  }

  /** @param yes without it, somebody has to confirm the switch */
  async startRestore(target: RestoreTarget, yes = true) {
    const restoreId = uuidv7();
    const handle = await this.workflows.start<typeof restore>('restore', {
      workflowId: restoreWorkflowId(restoreId),
      taskQueue: TASK_QUEUES.ops,
      args: [{ restoreId, target, ...(yes ? { yes } : {}) }],
    });
    return { restoreId, handle };
  }

  /** To its end. */
  async restoreTo(target: RestoreTarget) {
    const { restoreId, handle } = await this.startRestore(target);
    return { restoreId, result: await handle.result() };
  }

  reconcile(restoreId: string, acceptLoss = false) {
    return this.workflows.execute<typeof reconcileRestore>('reconcileRestore', {
      workflowId: reconcileWorkflowId(restoreId),
      taskQueue: TASK_QUEUES.ops,
      args: [{ restoreId, acceptLoss }],
    });
  }

  async close(): Promise<void> {
    this.redis.disconnect();
    await this.erasure.close();
    await this.host.postgres.stop();
    await this.redisServer.stop();
  }
}
