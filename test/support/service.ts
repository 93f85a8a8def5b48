// A Countersign of its own for a test file: a database, a namespace, a mail server, the commands, and real worker
// processes that carry out what was commanded.
import type { CommandContext } from '../../activities/commands/context';
import { readDraftView } from '../../activities/commands/draft-record';
import type { DraftView } from '../../activities/commands/draft-view';
import type { SubmitInput } from '../../activities/commands/index';
import { type Announcer, createAnnouncer } from '../../activities/outbox/announcer';
import { laneId, MAIL_LANE } from '../../workflows/contracts/lane';
import { aDraft, createTestCommands, type TestCommands } from './commands';
import { createTestDatabase, type TestDatabase } from './database';
import { testEnvironment } from './environment';
import { TestMailServer } from './mail-server';
import { type Environment, ServiceProcess } from './processes';
import { createTestNamespace, type TestNamespace } from './temporal';
import { until } from './until';
import { WorkerHere } from './worker-here';

/** So that a mail server that says nothing costs seconds. */
const SHORT_TIMEOUTS = '?socketTimeout=2000&greetingTimeout=2000&connectionTimeout=2000';

/** The confidence of a draft whose deadline is three seconds away. */
export const HASTY = 0.1;

export class TestService {
  author!: CommandContext;
  approver!: CommandContext;
  readonly processes: ServiceProcess[] = [];
  private readonly workers: WorkerHere[] = [];

  private constructor(
    public database: TestDatabase,
    readonly temporal: TestNamespace,
    readonly mail: TestMailServer,
    readonly environment: Environment,
    public test: TestCommands,
    private announcer: Announcer,
  ) {}

  /** With `tells: false` what is committed reaches nobody but the relay. Policy approves a draft whose confidence is at least a half; all others need a person. */
  static async create(
    given: { environment?: Environment; temporalAddress?: string; database?: TestDatabase; tells?: boolean } = {},
  ): Promise<TestService> {
    const database = given.database ?? (await createTestDatabase());
    const temporal = await createTestNamespace(given.temporalAddress);
    const mail = await TestMailServer.start();
    const environment = await testEnvironment({
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      SMTP_URL: mail.url + SHORT_TIMEOUTS,
      ...given.environment,
    });
    const announcer = createAnnouncer(database.db);
    const hear = given.tells === false ? undefined : announcer.announce;
    const commands = createTestCommands(database.db, {}, hear);
    const service = new TestService(database, temporal, mail, environment, commands, announcer);
    service.author = await service.test.person('an agent', 'author');
    service.approver = await service.test.person('Ada', 'approver');
    await service.test.commands.setPolicy(service.test.admin, {
      mode: 'active',
      rules: [
        { name: 'sure', when: { confidence: { gte: 0.5 } }, then: { outcome: 'auto_approve' } },
        { name: 'hasty', when: { confidence: HASTY }, then: { outcome: 'require', deadlineHours: 3 / 3600 } },
      ],
      otherwise: { outcome: 'require' },
    });
    return service;
  }

  start(name: string, script: string, extra: Environment = {}): ServiceProcess {
    const process = ServiceProcess.start(name, script, { ...this.environment, ...extra });
    this.processes.push(process);
    return process;
  }
  startWorker(extra: Environment = {}): ServiceProcess {
    return this.start('worker', 'worker/main.js', extra);
  }
  /** In the test's own process, until all workers are ended. */
  runWorker(extra: Environment = {}): void {
    this.workers.push(new WorkerHere({ ...this.environment, ...extra }));
  }
  async endWorkers(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.stop()));
    for (const process of this.processes) {
      process.thaw();
      await process.kill();
    }
  }

  /** Its database is another one from here on; the one before is dropped. Nothing of the service runs meanwhile. */
  async goOnIn(database: TestDatabase): Promise<void> {
    await this.announcer.drain();
    await this.database.drop();
    this.database = database;
    this.environment.DATABASE_URL = database.url;
    this.announcer = createAnnouncer(database.db);
    this.test = createTestCommands(database.db, {}, this.announcer.announce);
  }

  /** A draft that policy approves: due as soon as it is submitted. */
  submitDue(to: string, changes: Partial<SubmitInput> = {}): Promise<DraftView> {
    return this.test.commands.submitDraft(this.author, aDraft({ to, confidence: 1, ...changes }));
  }
  submitForReview(to: string, changes: Partial<SubmitInput> = {}): Promise<DraftView> {
    return this.test.commands.submitDraft(this.author, aDraft({ to, ...changes }));
  }
  approve(draft: DraftView): Promise<DraftView> {
    return this.test.commands.approveDraft(this.approver, { id: draft.id, revision: draft.revision });
  }

  async draft(id: string): Promise<DraftView> {
    const draft = await readDraftView(this.database.db, id);
    if (!draft) throw new Error('No such draft');
    return draft;
  }
  /** The draft once it has this status. */
  draftIn(status: DraftView['status'], id: string): Promise<DraftView> {
    return until(`the draft is ${status}`, async () => {
      const draft = await this.draft(id);
      return draft.status === status ? draft : null;
    });
  }
  /** How many drafts have each status. */
  async tally(): Promise<Record<string, number>> {
    const groups = await this.database.db.draft.groupBy({ by: ['status'], _count: true });
    return Object.fromEntries(groups.map(({ status, _count }) => [status, _count]));
  }

  /** As if Temporal had been told of all open processes. */
  async temporalKnows(): Promise<void> {
    const { namespace, client } = this.temporal;
    const { namespaceInfo } = await client.workflowService.describeNamespace({ namespace });
    await this.database.db.instance.update({
      where: { id: 1 },
      data: { temporalNamespaceId: namespaceInfo?.id ?? '' },
    });
  }

  get lane() {
    return this.temporal.client.workflow.getHandle(laneId(MAIL_LANE));
  }

  async close(): Promise<void> {
    await this.endWorkers();
    await this.announcer.drain();
    await this.temporal.close();
    await this.mail.away();
    await this.database.drop();
  }
}
