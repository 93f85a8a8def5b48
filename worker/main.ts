// `npm run start:worker`: nothing is loaded that Sentry has to hook into before it has begun.
import { yieldProcessor } from '../ops/runtime/priority';
import { runProcess } from '../ops/runtime/process';

// For one that is started by itself; `npm start` does it before the first thread is there.
yieldProcessor();

runProcess('worker', async (settings, logger, telemetry) => {
  const { startWorker }: typeof import('./start') = require('./start');
  await startWorker(settings, logger, telemetry);
});
