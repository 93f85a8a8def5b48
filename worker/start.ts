// The worker process: its metrics, its probes, and its end in order.
import { askDatabase } from '../ops/runtime/ask-database';
import type { Configuration } from '../ops/runtime/configuration';
import { observeDatabase } from '../ops/runtime/database-gauges';
import type { Logger } from '../ops/runtime/logging';
import { createRegistry, startMetricsServer } from '../ops/runtime/metrics';
import { observePool } from '../ops/runtime/pool-metrics';
import { endOnCrash, shutDownOnSignal } from '../ops/runtime/shutdown';
import type { Telemetry } from '../ops/runtime/telemetry';
import { openTemporalClient, temporalSettings } from '../ops/runtime/temporal';
import { createDatabase } from '../prisma/client';
import { keepArchiving } from './archiving';
import { DATABASE_GAUGES } from './database-gauges';
import { startProbes, type WorkerStage } from './probes';
import { installRuntime } from './temporal-workers';
import { runWorker } from './work';

/** A scrape shows NaN before that; this ends what the scrape no longer waits for. */
const METRICS_WITHIN_MS = 2_000;

export async function startWorker(settings: Configuration, logger: Logger, telemetry: Telemetry): Promise<void> {
  endOnCrash(logger, (error) => {
    telemetry.report(error);
    return telemetry.close();
  });
  const readTemporalMetrics = await installRuntime(logger);
  const { db, pool, close } = createDatabase(settings);
  const registry = createRegistry('worker');
  observePool(registry, pool, telemetry);
  const query = (sql: string) =>
    askDatabase(settings.DATABASE_URL, sql, { name: 'countersign metrics', withinMs: METRICS_WITHIN_MS });
  observeDatabase(registry, query, DATABASE_GAUGES);
  const where = { host: settings.METRICS_HOST, port: settings.WORKER_METRICS_PORT };
  const metrics = await startMetricsServer(registry, where, readTemporalMetrics);

  const ending = new AbortController();
  const stage: WorkerStage = { hasStarted: false, isWorking: false, isDraining: false };
  const temporal = openTemporalClient();
  const probes = await startProbes(
    { stage, temporal, databaseUrl: settings.DATABASE_URL },
    {
      host: settings.HOST,
      port: settings.WORKER_PORT,
    },
  );
  // Needs no Temporal, and tells of a database that is away.
  const archiving = keepArchiving({ settings, registry, logger }, ending.signal);
  const temporalServer = temporalSettings();
  const work = runWorker({ settings, temporal: temporalServer, db, registry, logger, telemetry, stage }, ending.signal);
  shutDownOnSignal({
    logger,
    drainSeconds: settings.SHUTDOWN_DRAIN_SECONDS,
    refuse() {
      stage.isDraining = true;
      ending.abort();
    },
    drain: async () => {
      await Promise.all([work, archiving]);
    },
    close: [
      close,
      () => temporal.connection.close(),
      () => probes.close(),
      () => metrics.close(),
      () => telemetry.close(),
    ],
  });
  // Once it is asked to end, what does not let go in time is told by the shutdown, which then closes the rest.
  await work.catch((error) => {
    if (!ending.signal.aborted) throw error;
  });
}
