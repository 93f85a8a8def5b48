// What Temporal's SDK says, in our log: its sentences, and of what comes with them the ids.
import { DefaultLogger, type Logger as SdkLogger } from '@temporalio/worker';
import type { Logger } from '../ops/runtime/logging';

const TOLD = ['sdkComponent', 'taskQueue', 'workflowId', 'runId', 'workflowType', 'activityType', 'attempt'];
const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

export function createSdkLogger(logger: Logger): SdkLogger {
  return new DefaultLogger(logger.isLevelEnabled('debug') ? 'DEBUG' : 'INFO', ({ level, message, meta = {} }) => {
    const told = Object.fromEntries(TOLD.filter((name) => name in meta).map((name) => [name, meta[name]]));
    logger[LEVELS[level]]({ ...told, ...(meta.error ? { err: meta.error } : {}) }, message);
  });
}
