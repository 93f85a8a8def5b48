// What an erasure is made of in a worker: its stores, its scan, its ledger.
import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import { openLedger } from '../activities/erasure-ledger/ledger';
import type { ReplayDependencies } from '../activities/erasure-ledger/replay';
import {
  createFilesSource,
  createHubspotSource,
  createObjectsSource,
  createPostgresSource,
  createRedisSource,
  createScan,
  createTemporalSource,
  KEPT_BACKUP_PREFIXES,
} from '../activities/erasure-scan';
import { createMentionIndex } from '../activities/mention-index';
import { createPersonExportActivities } from '../activities/person-export';
import { createMatcher } from '../activities/personal-data/matching/matcher';
import { createSubjects } from '../activities/personal-data/subject';
import { createUserErasureActivities } from '../activities/user-erasure';
import { createRemains } from '../activities/user-erasure/remains';
import { createStores } from '../activities/user-erasure/stores/registry';
import type { Configuration } from '../ops/runtime/configuration';
import type { Logger } from '../ops/runtime/logging';
import type { ObjectStore } from '../ops/runtime/object-store';
import type { SignedStore } from '../ops/runtime/signed-store';
import { createSigner } from '../ops/runtime/signing';
import type { Database } from '../prisma/client';

export interface ErasureDependencies {
  db: Database;
  files: ObjectStore;
  backups: SignedStore;
  redis: Redis | null;
  temporal: Client;
  settings: Configuration;
  logger: Logger;
}

export function createErasure({ settings, logger, ...dependencies }: ErasureDependencies) {
  const { db, files } = dependencies;
  const subjects = createSubjects(settings.SECRET_KEY);
  const matcher = createMatcher();
  const index = createMentionIndex({ db, files, subjects, matcher });
  const stores = createStores({ ...dependencies, settings, matcher, index });
  const ledger = openLedger(settings);
  const signer = createSigner(settings.SECRET_KEY, 'certificates');
  const activities = createUserErasureActivities({
    db,
    files,
    subjects,
    stores,
    index,
    matcher,
    ledger,
    signer,
    scan: createScan(sourcesOf(settings, dependencies), matcher),
    databaseUrl: settings.DATABASE_URL,
    scanIntervalSeconds: settings.SCAN_INTERVAL,
    remains: createRemains(dependencies.backups, settings),
  });
  const exportActivities = createPersonExportActivities({ db, files, subjects, stores });
  const replay: ReplayDependencies = { db, files, ledger, subjects, stores, matcher, index, logger };
  return { activities, exportActivities, replay, index, subjects, matcher };
}

/** All that Countersign writes, but for the backups, which age out. */
export function sourcesOf(
  settings: Configuration,
  { files, backups, temporal }: Pick<ErasureDependencies, 'files' | 'backups' | 'temporal'>,
) {
  const { HUBSPOT_ACCESS_TOKEN: token, HUBSPOT_BASE_URL: hubspot } = settings;
  return [
    // First, since it may answer that it was asked too often.
    ...(token ? [createHubspotSource(hubspot, token)] : []),
    createPostgresSource(settings.DATABASE_URL),
    ...(settings.REDIS_URL ? [createRedisSource(settings.REDIS_URL)] : []),
    createObjectsSource([
      { name: 'files', store: files, prefixes: [''] },
      { name: 'backups', store: backups, prefixes: KEPT_BACKUP_PREFIXES },
    ]),
    createTemporalSource(temporal, temporal.options.namespace),
    createFilesSource(settings.SCAN_PATHS ?? []),
  ];
}
