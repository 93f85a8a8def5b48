// An erasure with its real calendar, activities, stores and scan, on real servers, whose purgers a test can take away.
// The calendar runs on the server that skips time, so that the pauses between rounds cost nothing.
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { openLedger } from '../../activities/erasure-ledger/ledger';
import { createScan, type ScanReport, type ScanSource } from '../../activities/erasure-scan';
import { createMentionIndex } from '../../activities/mention-index';
import { createMatcher } from '../../activities/personal-data/matching/matcher';
import { createSubjects } from '../../activities/personal-data/subject';
import { createUserErasureActivities } from '../../activities/user-erasure';
import { createRemains } from '../../activities/user-erasure/remains';
import { createStores } from '../../activities/user-erasure/stores/registry';
import { NOTHING } from '../../activities/user-erasure/stores/store';
import { startRedis } from '../../ops/local/redis';
import { type Configuration, readConfiguration } from '../../ops/runtime/configuration';
import { openObjectStore } from '../../ops/runtime/object-store';
import { createSigner } from '../../ops/runtime/signing';
import { sourcesOf } from '../../worker/erasure';
import { userErasure } from '../../workflows';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { userErasureId } from '../../workflows/contracts/user-erasure';
import { openBackups } from '../support/backups';
import { createTestCommands } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { newFolder, testEnvironment } from '../support/environment';
import { freeLock } from '../support/free-lock';
import { HUBSPOT_TOKEN, type HubspotServer, startHubspotServer } from '../support/hubspot-server';
import { OwnServer } from '../support/own-server';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { runWorkflows } from '../support/time-skipping';

/** What lives as long as the test file. */
export interface Servers {
  database: TestDatabase;
  hubspot: HubspotServer;
  redisServer: OwnServer;
  redis: Redis;
  temporal: TestNamespace;
  /** One database has one ledger. */
  backupUrl: string;
  close(): Promise<void>;
}

export async function startServers(): Promise<Servers> {
  const [database, hubspot, redisServer, temporal] = await Promise.all([
    createTestDatabase(),
    startHubspotServer(),
    OwnServer.start(startRedis, 'own-redis'),
    createTestNamespace(),
  ]);
  const redis = new Redis(redisServer.url);
  return {
    database,
    hubspot,
    redisServer,
    redis,
    temporal,
    backupUrl: pathToFileURL(newFolder('backup')).href,
    async close() {
      redis.disconnect();
      await redisServer.stop();
      await temporal.close();
      await hubspot.close();
      await database.drop();
    },
  };
}

export type Purgeless = Awaited<ReturnType<typeof startErasures>>;

/** @param filesUrl FILES_URL: each place for files is another worker */
export async function startErasures(
  { database, hubspot, redisServer, redis, temporal, backupUrl }: Servers,
  filesUrl?: string,
) {
  const { db } = database;
  const mailbox = newFolder('mailbox');
  const settings: Configuration = readConfiguration(
    await testEnvironment({
      DATABASE_URL: database.url,
      TEMPORAL_NAMESPACE: temporal.namespace,
      SMTP_URL: 'smtp://127.0.0.1:9',
      REDIS_URL: redisServer.url,
      FILES_URL: filesUrl ?? pathToFileURL(newFolder('files')).href,
      HUBSPOT_ACCESS_TOKEN: HUBSPOT_TOKEN,
      HUBSPOT_BASE_URL: hubspot.url,
      BACKUP_URL: backupUrl,
      MAILBOX_PATH: mailbox,
      SCAN_PATHS: mailbox,
    }),
  );
  const test = createTestCommands(db, settings);
  const files = openObjectStore(settings.FILES_URL);
  const backups = openBackups(settings.BACKUP_URL);
  const matcher = createMatcher();
  const subjects = createSubjects(settings.SECRET_KEY);
  const index = createMentionIndex({ db, files, subjects, matcher });
  const stores = createStores({ db, files, redis, temporal: temporal.client, settings, matcher, index });
  const blind = { source: '' };
  const sources = sourcesOf(settings, { files, backups, temporal: temporal.client });
  const scan = createScan(
    sources.map((source) => withBlindness(source, blind)),
    matcher,
  );
  const missing = { store: '', rounds: 0 };
  const scans: ScanReport[] = [];

  const activities = createUserErasureActivities({
    db,
    files,
    subjects,
    matcher,
    index,
    stores: stores.map((store) => ({
      ...store,
      purge: async (person, beat) =>
        missing.rounds > 0 && missing.store === store.name ? NOTHING : store.purge(person, beat),
    })),
    ledger: openLedger(settings),
    signer: createSigner(settings.SECRET_KEY, 'certificates'),
    async scan(people, beat) {
      const reports = await scan(people, beat);
      scans.push(...reports);
      missing.rounds -= 1;
      return reports;
    },
    databaseUrl: database.url,
    scanIntervalSeconds: settings.SCAN_INTERVAL,
    remains: createRemains(backups, settings),
  });
  // On a server of its own: a poll of an earlier worker would take the tasks of the next.
  const workflows = await runWorkflows({
    taskQueue: TASK_QUEUES.processes,
    activities: Object.assign(activities, freeLock().activities),
  });

  return {
    ...test,
    db,
    files,
    stores,
    mailbox,
    activities,
    /** The source of the scan that no longer shows what was planted in it. */
    blind,
    /** Until it is certified or given up. @param without the store whose purger is away for so many rounds */
    async erase(email: string, without = '', rounds = Number.POSITIVE_INFINITY) {
      Object.assign(missing, { store: without, rounds });
      scans.length = 0;
      const { requestId } = await test.commands.requestErasure(test.admin, { email, grace: 'PT0S' });
      const status = await workflows.environment.client.workflow.execute(userErasure, {
        taskQueue: TASK_QUEUES.processes,
        workflowId: userErasureId(requestId),
        args: [{ requestId }],
      });
      const row = await db.erasure.findUniqueOrThrow({ where: { id: requestId } });
      const events = await db.auditEvent.findMany({ where: { subjectId: requestId }, orderBy: { position: 'asc' } });
      const sources = scans.flatMap((one) => one.sources);
      return {
        status,
        certificate: row.certificate,
        // While the calendar waits for PostgreSQL its clock skips to the end of the month.
        events: events.map(({ type }) => type.replace('erasure.', '')).filter((type) => !type.startsWith('deadline')),
        found: [
          ...new Set(
            events
              .filter(({ type }) => type === 'erasure.found')
              .map(({ data }) => (data as { source: string }).source),
          ),
        ],
        places: sources.flatMap(({ places }) => places),
        scanned: [...new Set(sources.map(({ source }) => source))].sort(),
      };
    },
    close: workflows.stop,
  };
}

/** Reads everything but what was planted, where it is the one that is blind. */
function withBlindness(source: ScanSource, blind: { source: string }): ScanSource {
  const planted = new Set<string>();
  return {
    ...source,
    async plant(decoy) {
      const there = await source.plant(decoy);
      for (const place of there.places.keys()) planted.add(place);
      return there;
    },
    async *read(people) {
      for await (const item of source.read(people)) {
        if (blind.source !== source.name || !planted.has(item.place)) yield item;
        else for await (const _ of item.chunks instanceof Uint8Array ? [] : item.chunks);
      }
    },
  };
}
