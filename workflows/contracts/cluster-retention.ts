// One run that removes old clusters: its schedule and its result. Folder names and codes only.
export const CLUSTER_RETENTION_SCHEDULE = 'cluster-retention';

export interface ClusterRetentionResult {
  /** Folders below POSTGRES_HOME that this run removed: `data`, or `data-` and the id of a restore. */
  removed: string[];
}
