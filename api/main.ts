// `npm run start:api`: nothing is loaded that Sentry has to hook into before it has begun.
import { ConfigurationError, readConfiguration } from '../ops/runtime/configuration';
import { createLogger, describeError } from '../ops/runtime/logging';
import { startTelemetry } from '../ops/runtime/telemetry';

async function main(): Promise<void> {
  const settings = readConfiguration();
  const telemetry = startTelemetry(settings, 'api');
  const { startApi }: typeof import('./start') = require('./start');
  await startApi(settings, createLogger('api', settings.LOG_LEVEL), telemetry);
}

main().catch((error: NodeJS.ErrnoException & { port?: number }) => {
  const told =
    error instanceof ConfigurationError
      ? error.message
      : error.code === 'EADDRINUSE'
        ? `Port ${error.port} is taken: set PORT or METRICS_PORT to another one, or end the program that has it.`
        : `The API could not start: ${JSON.stringify(describeError(error))}`;
  console.error(told);
  process.exit(1);
});
