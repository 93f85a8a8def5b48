// What backs up and restores in a worker: the activities of the queue `ops`, where this host has what they need.
import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import { createOperationsActivities } from '../activities/operations';
import { createRestoreActivities } from '../activities/restore';
import { createFollowUpActivities } from '../activities/restore/follow-up';
import type { RewindDependencies } from '../activities/restore/rewound';
import { createRestoreDrillActivities } from '../activities/restore-drill';
import { findRecoveryTools, type RecoveryTools } from '../ops/recovery/tools';
import type { Configuration } from '../ops/runtime/configuration';
import type { Logger } from '../ops/runtime/logging';
import { createErasure } from './erasure';

export interface RecoveryDependencies {
  settings: Configuration;
  temporal: Client;
  redis: Redis | null;
  logger: Logger;
}

/** Null where it can't be done here; the log says what is missing. */
export async function createRecovery(
  dependencies: RecoveryDependencies,
): Promise<{ tools: RecoveryTools; activities: object } | null> {
  const { settings, temporal, redis, logger } = dependencies;
  const found = await findRecoveryTools(settings).catch((err: Error) => {
    logger.warn({ err }, 'The tools for backups could not be found');
    return { tools: null, missing: 'the database of this host can not be found' };
  });
  if (!found.tools) {
    logger.warn({ missing: found.missing }, 'Backups are off here');
    return null;
  }
  const { tools } = found;
  const { files, backups } = tools;
  const rewinding: RewindDependencies = {
    temporal,
    erasuresOn: (db) => createErasure({ db, files, backups, redis, temporal, settings, logger }).replay,
  };
  const activities = {
    ...createOperationsActivities({ temporal }),
    ...createRestoreActivities(tools, rewinding),
    ...createFollowUpActivities(tools, rewinding),
    ...createRestoreDrillActivities(tools),
  };
  return { tools, activities };
}
