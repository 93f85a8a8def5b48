// Tells the table of failing steps how each attempt of an activity ends.
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { FailingSteps } from '../activities/failing-steps';
import { stepOf } from '../activities/failing-steps/step';

export const recordSteps =
  (steps: FailingSteps): ActivityInterceptorsFactory =>
  ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const step = stepOf(info, input.args);
        if (!step) return next(input);
        await steps.began(step, info);
        try {
          const result = await next(input);
          await steps.succeeded(step, info);
          return result;
        } catch (error) {
          await steps.failed(step, error, info);
          throw error;
        }
      },
    },
  });
