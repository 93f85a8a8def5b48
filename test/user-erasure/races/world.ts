// What an interleaving happens in: a database that notes every change of a draft by its own clock, the commands, the lane's
// statements, and the steps of erasure and retention, all of them the product's.
import { MockActivityEnvironment } from '@temporalio/testing';
import { uuidv7 } from 'uuidv7';
import { BOOTSTRAP_ADMIN, type CommandContext } from '../../../activities/commands/context';
import type { Commands } from '../../../activities/commands/index';
import { openLedger } from '../../../activities/erasure-ledger/ledger';
import { createObjectsSource, createPostgresSource, createScan } from '../../../activities/erasure-scan';
import { type Claims, createClaims } from '../../../activities/mail-delivery/claims';
import { createMentionIndex, type MentionIndex } from '../../../activities/mention-index';
import { createMatcher, type Matcher } from '../../../activities/personal-data/matching/matcher';
import { createSubjects, normaliseAddress } from '../../../activities/personal-data/subject';
import { createUserErasureActivities, type UserErasureActivities } from '../../../activities/user-erasure';
import { createRemains } from '../../../activities/user-erasure/remains';
import { createStores } from '../../../activities/user-erasure/stores/registry';
import type { Person, PersonalDataStore } from '../../../activities/user-erasure/stores/store';
import { type ObjectStore, openObjectStore } from '../../../ops/runtime/object-store';
import type { SignedStore } from '../../../ops/runtime/signed-store';
import { createSigner } from '../../../ops/runtime/signing';
import { ERASURE_STEPS, type ErasureStatus } from '../../../workflows/contracts/user-erasure';
import { openBackups } from '../../support/backups';
import { createTestCommands, SETTINGS } from '../../support/commands';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { newFolder } from '../../support/environment';
import { quiet } from '../../support/quiet-temporal';
import type { TestNamespace } from '../../support/temporal';

/** In a schema of its own: the scan looks at what Countersign keeps. */
const NOTE_CHANGES = `
  CREATE SCHEMA noted;
  CREATE TABLE noted.changes (n BIGSERIAL, draft_id UUID, was TEXT, status TEXT, recipients BYTEA[], at TIMESTAMPTZ);
  CREATE FUNCTION noted.note() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO noted.changes (draft_id, was, status, recipients, at)
      VALUES (NEW.id, OLD.status, NEW.status, OLD.recipient_hashes, clock_timestamp());
    RETURN NULL;
  END $$;
  CREATE TRIGGER note AFTER UPDATE ON drafts FOR EACH ROW WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION noted.note();`;

export class World {
  /** Where the last scan found somebody. */
  found: string[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly commands: Commands,
    readonly author: CommandContext,
    readonly approver: CommandContext,
    readonly files: ObjectStore,
    readonly stores: PersonalDataStore[],
    readonly activities: UserErasureActivities,
    readonly ledger: ReturnType<typeof openLedger>,
    readonly backups: SignedStore,
    readonly matcher: Matcher,
    readonly index: MentionIndex,
  ) {}

  /** @param backups where the worker has them, should there be one */
  static async create(
    temporal: TestNamespace,
    given: { database?: TestDatabase; files?: ObjectStore; backups?: string | undefined } = {},
  ): Promise<World> {
    const database = given.database ?? (await createTestDatabase());
    const { db } = database;
    await database.pool.query(NOTE_CHANGES);
    const { commands, person, admin } = createTestCommands(db);
    const sure = { name: 'sure', when: { confidence: { gte: 0.5 } }, then: { outcome: 'auto_approve' as const } };
    await commands.setPolicy(admin, { mode: 'active', rules: [sure], otherwise: { outcome: 'require' } });
    const files = given.files ?? openObjectStore(`file://${newFolder('files')}`);
    const matcher = createMatcher();
    const subjects = createSubjects(SETTINGS.SECRET_KEY);
    const index = createMentionIndex({ db, files, subjects, matcher });
    const stores = createStores({
      db,
      files,
      redis: null,
      temporal: temporal.client,
      matcher,
      index,
      settings: { ...SETTINGS, APPROVAL_DEADLINE_HOURS: 72, HUBSPOT_ACCESS_TOKEN: undefined, HUBSPOT_BASE_URL: '' },
    });
    const BACKUP_URL = given.backups ?? `file://${newFolder('backup')}`;
    const backups = openBackups(BACKUP_URL);
    const ledger = openLedger({ BACKUP_URL, SECRET_KEY: SETTINGS.SECRET_KEY });
    const scan = createScan(
      [createPostgresSource(database.url), createObjectsSource([{ name: 'files', store: files, prefixes: [''] }])],
      matcher,
    );
    const activities = createUserErasureActivities({
      db,
      files,
      subjects,
      matcher,
      stores,
      index,
      ledger,
      signer: createSigner(SETTINGS.SECRET_KEY, 'certificates'),
      scan: async (people, beat) => {
        const reports = await scan(people, beat);
        world.found = reports.flatMap(({ sources }) => sources.flatMap(({ places }) => places));
        return reports;
      },
      databaseUrl: database.url,
      scanIntervalSeconds: 3600,
      remains: createRemains(backups, { BACKUP_RETENTION_DAYS: 30, UNDO_RETENTION_DAYS: 7 }),
    });
    const [author, approver] = [await person('an agent', 'author'), await person('an approver', 'approver')];
    const world = new World(
      database,
      commands,
      author,
      approver,
      files,
      stores,
      activities,
      ledger,
      backups,
      matcher,
      index,
    );
    return world;
  }

  get db() {
    return this.database.db;
  }
  get pool() {
    return this.database.pool;
  }
  get admin(): CommandContext {
    return { actor: BOOTSTRAP_ADMIN, requestId: uuidv7() };
  }
  personOf(address: string): Person {
    const email = normaliseAddress(address);
    return { email, hashes: createSubjects(SETTINGS.SECRET_KEY).hashesOf(email), requestId: uuidv7() };
  }
  /** Up to where it is suspended or scanned. */
  async purge(requestId: string): Promise<ErasureStatus | undefined> {
    for (const step of ERASURE_STEPS) await this.run(this.activities.takeErasureStep, { requestId, step });
    return (await this.activities.concludePurge(requestId))?.status;
  }
  /** Another attempt at the lane. */
  attempt(): Claims {
    return createClaims(this.db, 'email', crypto.randomUUID(), 'countersign.example');
  }
  /** As an activity. */
  run<A extends unknown[], R>(step: (...given: A) => Promise<R>, ...given: A): Promise<R> {
    return new MockActivityEnvironment({}, { logger: quiet }).run<A, R, (...given: A) => Promise<R>>(step, ...given);
  }
  async now(): Promise<Date> {
    return (await this.pool.query('SELECT clock_timestamp() AS now')).rows[0].now;
  }
}
