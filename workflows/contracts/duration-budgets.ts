// Says for each process how long one run may take before operators are told that it does not end.

const HOUR = 3_600;

/**
 * Seconds, by the workflow's name. Longer than any healthy run, however much there is to do. The two processes that wait for
 * people are not here: rows of PostgreSQL say when a draft or an erasure is late.
 */
export const DURATION_BUDGETS: Readonly<Record<string, number>> = {
  backup: 6 * HOUR,
  restore: 24 * HOUR,
  reconcileRestore: 6 * HOUR,
  undoRestore: 6 * HOUR,
  restoreDrill: 14 * HOUR,
  clusterRetention: 3 * HOUR,
  adoption: 9 * HOUR,
  draftRetention: 8 * HOUR,
  auditRetention: 8 * HOUR,
  personExport: 13 * HOUR,
  // It may wait an hour for its word.
  rollback: 2 * HOUR,
  // The release before may have to carry a restore that waits for its word.
  deployment: 26 * HOUR,
  // A lane goes on in a new run each hour at the latest, but for one that is paused.
  mailDelivery: 2 * HOUR,
  crmSync: 2 * HOUR,
};

/** What runs by the clock: its last good end must not be long ago. */
export const SCHEDULED_PROCESSES = ['backup', 'restoreDrill', 'clusterRetention', 'draftRetention', 'auditRetention'];

/** A release follows an approval within seconds. */
export const RELEASE_BUDGET_SECONDS = 300;
/** From its begin until it is certified. */
export const ERASURE_BUDGET_SECONDS = 24 * HOUR;
/** A deadline that comes sooner is at risk. */
export const DEADLINE_NEAR_SECONDS = 7 * 24 * HOUR;
/** A message of the outbox reaches its process within seconds. */
export const MESSAGE_BUDGET_SECONDS = 30;
