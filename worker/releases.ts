// `node dist/worker/releases.js`: the host of deployments and rollbacks, which goes on while the releases come and go.
import { yieldProcessor } from '../ops/runtime/priority';
import { runProcess } from '../ops/runtime/process';

yieldProcessor();

runProcess('releases', async (settings, logger, telemetry) => {
  const { startReleasesHost }: typeof import('./releases-host') = require('./releases-host');
  await startReleasesHost(settings, logger, telemetry);
});
