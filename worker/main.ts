// `npm run start:worker`: nothing is loaded that Sentry has to hook into before it has begun.
import { yieldProcessor } from '../ops/runtime/priority';
import { runProcess } from '../ops/runtime/process';

yieldProcessor();

runProcess('worker', async (settings, logger, telemetry) => {
  const { startWorker }: typeof import('./start') = require('./start');
  await startWorker(settings, logger, telemetry);
});
