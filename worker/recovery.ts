// What this host adds to the `ops` worker where it holds the database's cluster and the tools: backups, their schedules, and
// what Prometheus is told of them.
import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import type { Registry } from 'prom-client';
import { type BackupActivities, createBackupActivities } from '../activities/backup';
import { observeBackups } from '../activities/backup/metrics';
import { createOperationsActivities, type OperationsActivities } from '../activities/operations';
import { findRecoveryTools, type RecoveryTools } from '../ops/recovery/tools';
import type { Configuration } from '../ops/runtime/configuration';
import type { Logger } from '../ops/runtime/logging';
import type { Database } from '../prisma/client';

export interface RecoveryDependencies {
  settings: Configuration;
  db: Database;
  redis: Redis | null;
  temporal: Client;
  registry: Registry;
  logger: Logger;
}

export interface HostRecovery {
  tools: RecoveryTools;
  activities: BackupActivities & OperationsActivities;
}

/** Null where it can't, which the log tells with its remedy. */
export async function findHostRecovery({
  settings,
  db,
  redis,
  temporal,
  registry,
  logger,
}: RecoveryDependencies): Promise<HostRecovery | null> {
  const { tools, ...found } = await findRecoveryTools(settings).catch((err) => {
    logger.error({ err }, 'What backups need could not be looked for');
    return { tools: null, missing: 'the search failed' };
  });
  if (!tools) {
    logger.warn(`This worker makes no backups: ${'missing' in found ? found.missing : ''}`);
    return null;
  }
  observeBackups(registry, tools);
  return {
    tools,
    activities: { ...createBackupActivities(tools, { db, redis }), ...createOperationsActivities({ temporal }) },
  };
}
