// What deployments and rollbacks share: a release as it is named, and the steps that either takes. Codes, ids and counts only.

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
