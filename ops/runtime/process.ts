// How the API and the worker begin: configuration read once, and one clear message where that can't be.
import { type Configuration, ConfigurationError, readConfiguration } from './configuration';
import { findDatabaseTrouble } from './database-trouble';
import { loadEnvFile } from './env-file';
import { createLogger, describeError, type Logger } from './logging';
import { NO_TELEMETRY, type Telemetry } from './telemetry';
import { logWarnings } from './warnings';

type ListeningError = NodeJS.ErrnoException & { address?: string; port?: number };
type ProcessName = 'api' | 'worker' | 'releases';
type Start = (settings: Configuration, logger: Logger, telemetry: Telemetry) => Promise<void>;

export function runProcess(name: ProcessName, start: Start): void {
  begin(name, start).catch((error: ListeningError) => {
    console.error(explain(name, error));
    process.exit(1);
  });
}

/** Sentry is large: it is loaded only if it is wanted. */
function startTelemetry(settings: Configuration, name: string): Telemetry {
  if (!settings.SENTRY_DSN) return NO_TELEMETRY;
  const { startSentry }: typeof import('./sentry') = require('./sentry');
  return startSentry(settings, name);
}

async function begin(name: string, start: Start): Promise<void> {
  // A library that prints onto a full disk must not end the process.
  process.stderr.on('error', () => {});
  loadEnvFile();
  const settings = readConfiguration();
  const telemetry = startTelemetry(settings, name);
  const logger = createLogger(name, settings.LOG_LEVEL);
  logWarnings(logger);
  await checkDatabase(settings, logger);
  await start(settings, logger, telemetry);
}

/**
 * Ends the process only if the settings are wrong. A database that is away or not migrated may be on its way back, and bringing
 * it back may be the task of this very process.
 */
async function checkDatabase({ DATABASE_URL }: Configuration, logger: Logger): Promise<void> {
  const trouble = await findDatabaseTrouble(DATABASE_URL);
  if (trouble?.isLasting) throw new ConfigurationError(trouble.message);
  if (trouble) logger.error({ trouble: trouble.message }, 'Database unavailable; it is tried again');
}

function explain(name: ProcessName, error: ListeningError): string {
  if (error instanceof ConfigurationError) return error.message;
  if (error.code === 'EADDRINUSE') {
    const ports = name === 'api' ? 'PORT or METRICS_PORT' : 'WORKER_PORT or WORKER_METRICS_PORT';
    return `Port ${error.port} is taken: set ${ports} to another one, or end the program that has it.`;
  }
  if (error.code === 'EADDRNOTAVAIL' || error.syscall === 'getaddrinfo') {
    return `The ${name} cannot listen on the address that is set: this machine does not have it. Correct HOST and METRICS_HOST; 0.0.0.0 stands for all of its addresses.`;
  }
  return `The ${name} could not start: ${JSON.stringify(describeError(error))}`;
}
