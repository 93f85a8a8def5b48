// Carries out deployments and rollbacks, until it is asked to stop.
import { Client } from '@temporalio/client';
import { Runtime } from '@temporalio/worker';
import { createFailingSteps } from '../activities/failing-steps';
import { createOperationsActivities } from '../activities/operations';
import { createReleaseActivities } from '../activities/releases';
import { registerServing } from '../activities/releases/registry';
import { findRecoveryTools } from '../ops/recovery/tools';
import { openDriver } from '../ops/releases/drivers';
import { type Configuration, ConfigurationError } from '../ops/runtime/configuration';
import type { Logger } from '../ops/runtime/logging';
import { untilItWorks } from '../ops/runtime/outage';
import { endOnCrash, shutDownOnSignal } from '../ops/runtime/shutdown';
import { openSignedStore } from '../ops/runtime/signed-store';
import type { Telemetry } from '../ops/runtime/telemetry';
import { temporalSettings } from '../ops/runtime/temporal';
import { createDatabase } from '../prisma/client';
import { createSdkLogger } from './sdk-logger';
import { connectToTemporal } from './temporal-connection';
import { createReleasesWorker } from './temporal-workers';

/** It asks little. */
const POOL = { DB_POOL_SIZE: 1, DB_POOL_OVERFLOW: 4 };

const OUTAGE = {
  began: 'The releases could not be brought about; it is tried again',
  ended: 'The releases are brought about',
  firstMs: 1_000,
  mostMs: 10_000,
};

export async function startReleasesHost(settings: Configuration, logger: Logger, telemetry: Telemetry): Promise<void> {
  const driver = openDriver(settings);
  if (!driver) throw new ConfigurationError('RELEASES_DRIVER is required: process or kubernetes (docs/releases.md).');
  endOnCrash(logger, (error) => {
    telemetry.report(error);
    return telemetry.close();
  });
  Runtime.install({ logger: createSdkLogger(logger), shutdownSignals: [] });
  const { db, close } = createDatabase({ ...settings, ...POOL });
  const ending = new AbortController();
  const work = run();
  shutDownOnSignal({
    logger,
    drainSeconds: settings.SHUTDOWN_DRAIN_SECONDS,
    refuse: () => ending.abort(),
    drain: () => work,
    close: [close, () => telemetry.close()],
  });
  await work.catch((error) => {
    if (!ending.signal.aborted) throw error;
  });

  async function run(): Promise<void> {
    if (!driver) return;
    const { connectionOptions, namespace } = temporalSettings();
    const connection = await connectToTemporal({ connectionOptions, namespace }, logger, ending.signal);
    if (!connection) return;
    const temporal = new Client({ connection, namespace });
    const worker = await createReleasesWorker(connection, {
      namespace,
      logger,
      steps: createFailingSteps({ db, logger }),
      telemetry,
      drainSeconds: settings.SHUTDOWN_DRAIN_SECONDS,
      activities: {
        ...createOperationsActivities({ temporal }),
        ...createReleaseActivities({
          db,
          driver,
          temporal,
          deploymentName: settings.TEMPORAL_DEPLOYMENT_NAME,
          backups: openSignedStore(settings),
          logger,
          tools: (await findRecoveryTools(settings)).tools,
          watchSeconds: settings.RELEASES_WATCH_SECONDS,
        }),
      },
    });
    const running = worker.run();
    ending.signal.addEventListener('abort', () => worker.shutdown(), { once: true });
    if (ending.signal.aborted) worker.shutdown();
    logger.info({ driver: driver.name }, 'Releases host started');
    // A fault of the platform must not keep a rollback from being asked for.
    const begin = async () => {
      await driver.start?.();
      await registerServing({ db, driver });
    };
    await Promise.all([running, untilItWorks(begin, { ...OUTAGE, logger }, ending.signal)]);
    await connection.close();
  }
}
