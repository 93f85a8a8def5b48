// What deployments and rollbacks share: how a release is named, what its health was, and the signal that gives either up. Codes,
// ids and counts only.
import { defineSignal } from '@temporalio/workflow';

export interface ReleaseName {
  version: string;
  /** Null: its workers take part in no worker versioning, as before the first deployment. */
  buildId: string | null;
}

export interface ReleaseDetails extends ReleaseName {
  commit: string | null;
  bundleHash: string;
  lastMigration: string;
}

/** What `watch` saw until it called a release healthy. */
export interface HealthReport {
  /** Processes that answered. */
  api: number;
  workers: number;
  /** Answered by the API meanwhile, and how many of them with a server error. */
  requests: number;
  errors: number;
}

export const abort = defineSignal<[{ actor: string }]>('abort');
