// `npm run start:api`: nothing is loaded that Sentry has to hook into before it has begun.
import { runProcess } from '../ops/runtime/process';

runProcess('api', async (settings, logger, telemetry) => {
  const { startApi }: typeof import('./start') = require('./start');
  await startApi(settings, logger, telemetry);
});
