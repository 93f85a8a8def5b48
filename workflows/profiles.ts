// Timeouts and retries, each a complete named profile: a policy that overrides one field would keep unlimited retries.
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';
import { ActivityCancellationType } from '@temporalio/workflow';
import { TASK_QUEUES } from './contracts/task-queues';

/**
 * One database step, run in the workflow's own worker. The database may be away for hours: it is tried until it is back.
 * A longer wait is a timer, so that no worker that is to stop waits with it.
 */
export const DATABASE_STEP: LocalActivityOptions = {
  startToCloseTimeout: '10 seconds',
  localRetryThreshold: '2 seconds',
  retry: {
    initialInterval: '100 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '30 seconds',
    maximumAttempts: Number.POSITIVE_INFINITY,
  },
};

/**
 * One attempt works for a minute or waits ten for items, and ends with its last one. A slow mail server may stretch that to three
 * quarters of an hour (activities/mail-delivery/time-limits.ts). It heartbeats twice a second, so that a successor takes over from a
 * worker that was killed or frozen within nine seconds. Its retry is the circuit breaker: the activity itself says how
 * long to wait (`nextRetryDelay`) if the service failed; the interval here is for lost workers.
 * To cancel means to wait until it has stopped: two would both send.
 */
const LANE: ActivityOptions = {
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '8 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: {
    initialInterval: '500 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '30 seconds',
    maximumAttempts: Number.POSITIVE_INFINITY,
  },
  allowEagerDispatch: false,
};
export const MAIL_LANE: ActivityOptions = { ...LANE, taskQueue: TASK_QUEUES.email };
export const HUBSPOT_LANE: ActivityOptions = { ...LANE, taskQueue: TASK_QUEUES.hubspot };

/** Reads much and tells how far it is; one that is silent for a minute has died. */
export const LONG_CHECK: ActivityOptions = {
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '1 minute',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '10 minutes',
    maximumAttempts: Number.POSITIVE_INFINITY,
  },
  allowEagerDispatch: false,
};

/**
 * One bounded batch of database work, which is repeated until the database is there. It beats, since a worker that is
 * stopping may be given one that it never begins.
 */
export const DATABASE_BATCH: ActivityOptions = {
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '10 seconds',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '1 minute',
    maximumAttempts: Number.POSITIVE_INFINITY,
  },
  allowEagerDispatch: false,
};

/**
 * A stretch of retention works for some seconds and beats each second; where its worker died or froze, another goes on where
 * the row says. A night's run that finds the database away or in trouble tries for six hours and then says so: the next night
 * goes on.
 */
export const RETENTION_STEP: ActivityOptions = {
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '10 seconds',
  scheduleToCloseTimeout: '6 hours',
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '1 minute',
    maximumAttempts: Number.POSITIVE_INFINITY,
  },
};

/** A message about what a step has read comes within this time, or was lost on its way. */
export const TOLD_WITHIN_MS = 1_000;
/** After the database's clock said that a deadline has not come yet. */
export const ASKS_AGAIN_MS = 1_000;
/** After the database said less than a message did. */
export const LOOKS_AGAIN_MS = 60_000;

/** A store may be away for days, and a large one takes hours: it beats, and is tried until it is done. */
export const ERASURE_STEP: ActivityOptions = {
  taskQueue: TASK_QUEUES.processes,
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '30 seconds',
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '5 minutes',
    maximumAttempts: Number.POSITIVE_INFINITY,
  },
};

/**
 * Asks the stores what they hold: minutes, where they are large. It beats, and after ten minutes of trouble the erasure goes on
 * without an answer, since its grace period may be over.
 */
export const PREVIEW: ActivityOptions = {
  taskQueue: TASK_QUEUES.processes,
  startToCloseTimeout: '10 minutes',
  scheduleToCloseTimeout: '10 minutes',
  heartbeatTimeout: '10 seconds',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '30 seconds',
    maximumAttempts: Number.POSITIVE_INFINITY,
  },
};

/**
 * Writes everything held about a person: hours, where it is much. It beats. A store that does not answer is tried for about an
 * hour; then the export has failed, and whoever asked asks again.
 */
export const EXPORT: ActivityOptions = {
  taskQueue: TASK_QUEUES.processes,
  startToCloseTimeout: '6 hours',
  scheduleToCloseTimeout: '12 hours',
  heartbeatTimeout: '10 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '5 minutes',
    maximumAttempts: 20,
  },
};

/** One look at the lock. Who waits for it looks again every two seconds, for as long as another holds it. */
export const OPERATIONS_LOCK: ActivityOptions = {
  startToCloseTimeout: '10 seconds',
  // What was asked for must have been answered before it is given back.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: {
    initialInterval: '2 seconds',
    backoffCoefficient: 1,
    maximumInterval: '2 seconds',
    maximumAttempts: Number.POSITIVE_INFINITY,
  },
  allowEagerDispatch: false,
};

/** The steps of who holds the lock: after two minutes of trouble they fail, and others have their turn (exclusively.ts). */
const WHILE_HELD = {
  initialInterval: '1 second',
  backoffCoefficient: 2,
  maximumInterval: '1 minute',
  maximumAttempts: 8,
} as const;
export const GIVES_WAY_MS = 300_000;

export const HELD_DATABASE_STEP: LocalActivityOptions = {
  ...DATABASE_STEP,
  retry: {
    initialInterval: '100 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '30 seconds',
    maximumAttempts: 12,
  },
};
export const HELD_ERASURE_STEP: ActivityOptions = { ...ERASURE_STEP, retry: WHILE_HELD };
export const HELD_CHECK: ActivityOptions = { ...LONG_CHECK, retry: WHILE_HELD };
export const HELD_BATCH: ActivityOptions = { ...DATABASE_BATCH, retry: WHILE_HELD };
/** A row that says of no run that it lives for an hour is taken for abandoned. */
export const SHOWS_LIFE_EACH_MS = 1_200_000;

/**
 * A step of a restore or a drill works for minutes or hours beside large data and beats each second. One whose worker
 * or tool was killed is begun again; after twelve attempts it has failed, and whoever asked hears of it.
 */
export const RECOVERY_STEP: ActivityOptions = {
  taskQueue: TASK_QUEUES.ops,
  startToCloseTimeout: '12 hours',
  scheduleToCloseTimeout: '14 hours',
  heartbeatTimeout: '15 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '30 seconds',
    maximumAttempts: 12,
  },
  allowEagerDispatch: false,
};

/** A step of an adoption works on the database and the store alone, on the queue of that database's own workers. */
export const ADOPTION_STEP: ActivityOptions = {
  startToCloseTimeout: '6 hours',
  scheduleToCloseTimeout: '8 hours',
  heartbeatTimeout: '15 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '30 seconds',
    maximumAttempts: 12,
  },
  allowEagerDispatch: false,
};

/**
 * Removes old clusters while it holds the lock. A directory of 100 GB takes about a minute. If no worker on the database's host
 * takes it within ten minutes, or the database stays away, it fails and the next day's run goes on: nobody waits for it.
 */
export const CLUSTER_REMOVAL: ActivityOptions = {
  taskQueue: TASK_QUEUES.ops,
  startToCloseTimeout: '1 hour',
  scheduleToStartTimeout: '10 minutes',
  scheduleToCloseTimeout: '2 hours',
  heartbeatTimeout: '15 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '30 seconds',
    maximumAttempts: 6,
  },
  allowEagerDispatch: false,
};

/**
 * A step of a backup works as long as there is to copy, and beats each second. Its attempts say themselves when it has been
 * tried for long enough (activities/backup/attempt.ts); where no worker has the tools, it has failed after two hours. Who
 * cancels it waits until pgBackRest has ended.
 */
export const BACKUP_STEP: ActivityOptions = {
  taskQueue: TASK_QUEUES.ops,
  startToCloseTimeout: '24 hours',
  scheduleToStartTimeout: '2 hours',
  scheduleToCloseTimeout: '26 hours',
  heartbeatTimeout: '10 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '1 minute',
    maximumAttempts: Number.POSITIVE_INFINITY,
  },
  allowEagerDispatch: false,
};

/**
 * A step of a deployment or rollback: seconds, or minutes if there is much to replay or to migrate. Its host heartbeats each
 * second, so that one that was killed is replaced within ten. What can't work fails at once; the rest is tried for a few minutes.
 */
export const RELEASE_STEP: ActivityOptions = {
  taskQueue: TASK_QUEUES.releases,
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '8 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: {
    initialInterval: '500 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '10 seconds',
    maximumAttempts: 10,
  },
  allowEagerDispatch: false,
};
/** What undoes a step is tried until it is done: otherwise neither release would serve. */
export const RELEASE_UNDO: ActivityOptions = {
  ...RELEASE_STEP,
  retry: {
    initialInterval: '500 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '10 seconds',
    maximumAttempts: Number.POSITIVE_INFINITY,
  },
};
/** Waits until no run is left on a release: a restore that waits for its word takes a day. */
export const RELEASE_DRAIN: ActivityOptions = {
  ...RELEASE_UNDO,
  startToCloseTimeout: '7 days',
};

/** A release whose workers do not answer must not keep a rollback from the lock that their workflow keeps. */
export const OPERATIONS_LOCK_IN_AN_EMERGENCY: ActivityOptions = {
  ...OPERATIONS_LOCK,
  scheduleToCloseTimeout: '20 seconds',
};
