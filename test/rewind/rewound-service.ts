// A Countersign whose database is restored to an earlier moment: a copy of that moment begins a new life beside the one that
// went on, which is the truth.
import pino from 'pino';
import { uuidv7 } from 'uuidv7';
import { createSigner } from '../../activities/audit-trail/signatures';
import { abandonOtherAnchors, findLastCommon } from '../../activities/continuity/abandoned-anchors';
import { openLedger } from '../../activities/erasure-ledger/ledger';
import { type ReplayDependencies, replayLedger } from '../../activities/erasure-ledger/replay';
import { createMentionIndex } from '../../activities/mention-index';
import { type Announcer, createAnnouncer } from '../../activities/outbox/announcer';
import { createMatcher } from '../../activities/personal-data/matching/matcher';
import { createSubjects } from '../../activities/personal-data/subject';
import { beginNewLife, markSent, type Reconciled, reconcile, releaseLanes, type Truth } from '../../activities/rewind';
import { createStores } from '../../activities/user-erasure/stores/registry';

import { openObjectStore } from '../../ops/runtime/object-store';
import type { Database } from '../../prisma/client';
import { openBackups } from '../support/backups';
import { createTestCommands, SETTINGS, type TestCommands } from '../support/commands';
import { copyTestDatabase, type TestDatabase } from '../support/database';
import type { TestService } from '../support/service';

export class RewoundService {
  readonly restoreId = uuidv7();
  private constructor(
    /** Its database is the truth. */
    readonly old: TestService,
    readonly database: TestDatabase,
    readonly test: TestCommands,
    private readonly announcer: Announcer,
  ) {}

  /** The restored moment is now. */
  static async cut(old: TestService): Promise<RewoundService> {
    const database = await copyTestDatabase(old.database);
    const announcer = createAnnouncer(database.db);
    return new RewoundService(old, database, createTestCommands(database.db, {}, announcer.announce), announcer);
  }

  get db(): Database {
    return this.database.db;
  }
  get sources() {
    return { backups: openBackups(this.old.environment.BACKUP_URL as string), temporal: this.old.temporal.client };
  }
  get erasures(): ReplayDependencies {
    const { db } = this;
    const { BACKUP_URL = '', FILES_URL = '' } = this.old.environment;
    const files = openObjectStore(FILES_URL);
    const subjects = createSubjects(SETTINGS.SECRET_KEY);
    const matcher = createMatcher();
    const index = createMentionIndex({ db, files, subjects, matcher });
    return {
      db,
      files,
      matcher,
      index,
      ledger: openLedger({ BACKUP_URL, SECRET_KEY: SETTINGS.SECRET_KEY }),
      subjects,
      stores: createStores({
        db,
        files,
        matcher,
        index,
        redis: null,
        temporal: this.old.temporal.client,
        settings: { APPROVAL_DEADLINE_HOURS: 72, HUBSPOT_BASE_URL: '' },
      }),
      logger: pino({ level: 'silent' }),
    };
  }

  begin(oldGeneration?: number) {
    return beginNewLife({ db: this.db, backups: this.sources.backups, restoreId: this.restoreId, oldGeneration });
  }
  mark(changes: Partial<Parameters<typeof markSent>[0]> = {}) {
    return markSent({ db: this.db, ...this.sources, ...changes });
  }
  /** From all that is left of the old life, or from this. */
  reconcile(truth: Truth = { db: this.old.database.db, isWhole: true }): Promise<Reconciled> {
    return reconcile({ restored: this.db, truth, erasures: this.erasures, ...this.sources });
  }
  /** As the switch of a restore does, too. */
  async release(): Promise<void> {
    const anchors = { db: this.db, backups: this.sources.backups };
    const signer = createSigner(SETTINGS.SECRET_KEY);
    await abandonOtherAnchors(anchors, signer, await findLastCommon(anchors, signer));
    await releaseLanes(this.db);
  }
  /** As a restore goes about it, once the old cluster has stopped. */
  async bringBack(truth?: Truth): Promise<Reconciled> {
    await this.begin();
    await this.mark();
    await replayLedger(this.erasures);
    const reconciled = await this.reconcile(truth);
    await this.release();
    return reconciled;
  }

  runWorker(): void {
    this.old.runWorker({ DATABASE_URL: this.database.url });
  }

  /** After the old service's processes have ended. */
  async close(): Promise<void> {
    await this.announcer.drain();
    await this.database.drop();
  }
}
