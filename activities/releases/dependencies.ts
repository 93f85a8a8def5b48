// Lists the dependencies of the activities of deployments and rollbacks.
import type { Client } from '@temporalio/client';
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { ReleaseDriver } from '../../ops/releases/driver';
import type { Logger } from '../../ops/runtime/logging';
import type { SignedStore } from '../../ops/runtime/signed-store';
import type { Database } from '../../prisma/client';

export interface ReleaseDependencies {
  db: Database;
  driver: ReleaseDriver;
  temporal: Client;
  /** The name under which Temporal knows the workers of all builds (TEMPORAL_DEPLOYMENT_NAME). */
  deploymentName: string;
  backups: SignedStore;
  logger: Logger;
  /** Null if this host can't restore a copy of the database. */
  tools: RecoveryTools | null;
  /** How long a release is watched before it counts as healthy. */
  watchSeconds: number;
}
