// `npm run start:worker`: nothing is loaded that Sentry has to hook into before it has begun.
import { constants, setPriority } from 'node:os';
import { runProcess } from '../ops/runtime/process';

// Where both share a machine, somebody waits for what the API answers. Threads that are made later inherit it.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

runProcess('worker', async (settings, logger, telemetry) => {
  const { startWorker }: typeof import('./start') = require('./start');
  await startWorker(settings, logger, telemetry);
});
