// Workers in a test's own process say only what is wrong.
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

export const quiet = new DefaultLogger('ERROR');

Runtime.install({
  logger: quiet,
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
});
