// The worker process: its metrics, and its end in order.
import { observeHeld } from '../activities/continuity/metrics';
import { observeErasures } from '../activities/user-erasure/deadline-metrics';
import { askDatabase } from '../ops/runtime/ask-database';
import type { Configuration } from '../ops/runtime/configuration';
import type { Logger } from '../ops/runtime/logging';
import { createRegistry, observePool, startMetricsServer } from '../ops/runtime/metrics';
import { endOnCrash, shutDownOnSignal } from '../ops/runtime/shutdown';
import type { Telemetry } from '../ops/runtime/telemetry';
import { temporalSettings } from '../ops/runtime/temporal';
import { createDatabase } from '../prisma/client';
import { keepArchiving } from './archiving';
import { installRuntime } from './temporal-workers';
import { runWorker } from './work';

/** A scrape shows NaN before that; this ends what the scrape no longer waits for. */
const METRICS_WITHIN_MS = 2_000;

export async function startWorker(settings: Configuration, logger: Logger, telemetry: Telemetry): Promise<void> {
  endOnCrash(logger, (error) => {
    telemetry.report(error);
    return telemetry.close();
  });
  installRuntime(logger);
  const { db, pool, close } = createDatabase(settings);
  const registry = createRegistry('worker');
  observePool(registry, pool);
  const query = (sql: string) =>
    askDatabase(settings.DATABASE_URL, sql, { name: 'countersign metrics', withinMs: METRICS_WITHIN_MS });
  observeErasures(registry, query);
  observeHeld(registry, query);
  const metrics = await startMetricsServer(registry, {
    host: settings.METRICS_HOST,
    port: settings.WORKER_METRICS_PORT,
  });

  const ending = new AbortController();
  // Needs no Temporal, and tells of a database that is away.
  const archiving = keepArchiving({ settings, registry, logger }, ending.signal);
  const work = runWorker({ settings, temporal: temporalSettings(), db, registry, logger, telemetry }, ending.signal);
  shutDownOnSignal({
    logger,
    drainSeconds: settings.SHUTDOWN_DRAIN_SECONDS,
    refuse: () => ending.abort(),
    drain: async () => {
      await Promise.all([work, archiving]);
    },
    close: [close, () => metrics.close(), () => telemetry.close()],
  });
  await work;
}
