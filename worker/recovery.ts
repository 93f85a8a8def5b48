// What this host adds to the `ops` worker where it holds the database's cluster and the tools: backups, restores, drills, and
// what Prometheus is told of them.
import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import type { Registry } from 'prom-client';
import { createBackupActivities } from '../activities/backup';
import { observeBackups, observeDrills } from '../activities/backup/metrics';
import { createClusterRetentionActivities } from '../activities/cluster-retention';
import { createOperationsActivities } from '../activities/operations';
import { createProvidedDatabaseActivities } from '../activities/provided-database';
import { createRestoreActivities } from '../activities/restore';
import { createFollowUpActivities } from '../activities/restore/follow-up';
import type { RewindDependencies } from '../activities/restore/rewound';
import { createRestoreDrillActivities } from '../activities/restore-drill';
import { findRecoveryTools, NO_PASSPHRASE, openStoreTools, type RecoveryTools } from '../ops/recovery/tools';
import type { Configuration } from '../ops/runtime/configuration';
import type { Logger } from '../ops/runtime/logging';
import type { Database } from '../prisma/client';
import { createErasure } from './erasure';

export interface RecoveryDependencies {
  settings: Configuration;
  db: Database;
  redis: Redis | null;
  temporal: Client;
  registry: Registry;
  logger: Logger;
}

/** The stores that lie in its throw-away home. */
const BROUGHT_BY_A_DRILL: readonly string[] = ['postgres', 'attachments', 'mailbox'];

export interface HostRecovery {
  activities: object;
}

/** Null where it can't, which the log tells with its remedy. */
export async function findHostRecovery(dependencies: RecoveryDependencies): Promise<HostRecovery | null> {
  const { settings, db, redis, temporal, registry, logger } = dependencies;
  if (settings.POSTGRES_KEPT_BY === 'provider') return findProvidedRecovery(dependencies);
  const { tools, ...found } = await findRecoveryTools(settings).catch((err) => {
    logger.error({ err }, 'What backups need could not be looked for');
    return { tools: null, missing: 'the search failed' };
  });
  if (!tools) {
    logger.warn(`This worker makes no backups: ${'missing' in found ? found.missing : ''}`);
    return null;
  }
  observeBackups(registry, tools);
  observeDrills(registry, tools);
  const { files, backups } = tools;
  const rewinding: RewindDependencies = {
    temporal,
    erasuresOn: (beside) => createErasure({ db: beside, files, backups, redis, temporal, settings, logger }).replay,
  };
  /** Temporal's histories are read; the ledger is carried out on what a drill has brought alone. */
  const drilling = ({ settings, files, backups }: RecoveryTools): RewindDependencies => ({
    temporal,
    erasuresOn(beside) {
      const drill = logger.child({ drill: true });
      const { replay } = createErasure({ db: beside, files, backups, redis: null, temporal, settings, logger: drill });
      return { ...replay, stores: replay.stores.filter(({ name }) => BROUGHT_BY_A_DRILL.includes(name)) };
    },
  });
  return {
    activities: {
      ...createBackupActivities(tools, { db }),
      ...createRestoreActivities(tools, rewinding),
      ...createFollowUpActivities(tools, rewinding),
      ...createRestoreDrillActivities(tools, drilling),
      ...createClusterRetentionActivities(tools, { db, logger }),
      ...createOperationsActivities({ temporal }),
    },
  };
}

/** Backs up everything but the database. Null if the passphrase is missing, which is logged. */
function findProvidedRecovery({ settings, db, temporal, registry, logger }: RecoveryDependencies): HostRecovery | null {
  const tools = openStoreTools(settings);
  if (!tools) {
    logger.warn(`This worker makes no backups: ${NO_PASSPHRASE}`);
    return null;
  }
  observeBackups(registry, tools);
  observeDrills(registry, tools);
  return {
    activities: {
      ...createBackupActivities(tools, { db }),
      ...createProvidedDatabaseActivities(tools),
      ...createOperationsActivities({ temporal }),
    },
  };
}
