// An activity's failure goes into a history as its class and code: a message may quote an address or a row.
import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { describeError, type Logger } from '../ops/runtime/logging';

export const failureCodes =
  (logger: Logger): ActivityInterceptorsFactory =>
  ({ info }) => ({
    inbound: {
      async execute(input, next) {
        try {
          return await next(input);
        } catch (err) {
          if (err instanceof TemporalFailure) throw err;
          logger.warn({ err, activity: info.activityType, attempt: info.attempt }, 'An activity failed');
          const { type, code } = describeError(err);
          throw ApplicationFailure.retryable(String(code ?? type), String(type));
        }
      },
    },
  });
