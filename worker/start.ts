// The worker process: what it runs, and its end in order.

import { Client } from '@temporalio/client';
import { createAuditRetentionActivities } from '../activities/audit-retention';
import { createSigner } from '../activities/audit-trail/signatures';
import { createCommands } from '../activities/commands/create-commands';
import { createDraftApprovalActivities } from '../activities/draft-approval';
import { createDraftRetentionActivities } from '../activities/draft-retention';
import { createMailDeliveryActivities } from '../activities/mail-delivery';
import { createAnnouncer, RELAY } from '../activities/outbox/announcer';
import { runRelay } from '../activities/outbox/relay';
import { observeErasures } from '../activities/user-erasure/deadline-metrics';
import { createAlarm } from '../ops/runtime/alarm';
import type { Configuration } from '../ops/runtime/configuration';
import type { Logger } from '../ops/runtime/logging';
import { createRegistry, observePool, startMetricsServer } from '../ops/runtime/metrics';
import { openObjectStore } from '../ops/runtime/object-store';
import { connectRedis } from '../ops/runtime/redis';
import { endOnCrash, shutDownOnSignal } from '../ops/runtime/shutdown';
import type { Telemetry } from '../ops/runtime/telemetry';
import { temporalSettings } from '../ops/runtime/temporal';
import { ensureNamespaceOn } from '../ops/runtime/temporal-namespace';
import { createDatabase, type Database } from '../prisma/client';
import { MAIL_LANE } from '../workflows/contracts/mail-delivery';
import { keepArchiving } from './archiving';
import { createErasure } from './erasure';
import { keepErasures } from './erasures';
import { keepLanes } from './lanes';
import { carryOutLedger } from './ledger';
import { listenForWork } from './listener';
import { keepSchedules } from './schedules';
import { keepSealing } from './sealer';
import { keepSweeping } from './sweep';
import { connectToTemporal, createTemporalWorkers, installRuntime } from './temporal-workers';

export async function startWorker(settings: Configuration, logger: Logger, telemetry: Telemetry): Promise<void> {
  endOnCrash(logger, (error) => {
    telemetry.report(error);
    return telemetry.close();
  });
  installRuntime(logger);
  const { db, pool, close } = createDatabase(settings);
  const registry = createRegistry('worker');
  observePool(registry, pool);
  observeErasures(registry, db);
  const metrics = await startMetricsServer(registry, settings.WORKER_METRICS_PORT);

  const ending = new AbortController();
  // Needs no Temporal, and tells of a database that is away.
  const archiving = keepArchiving({ settings, registry, logger }, ending.signal);
  const work = runWorker(settings, db, logger, ending.signal);
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

/** Until `stopping`, and then until all that had begun is done. */
async function runWorker(settings: Configuration, db: Database, logger: Logger, stopping: AbortSignal): Promise<void> {
  const backups = openObjectStore(settings.BACKUP_URL);
  const signer = createSigner(settings.SECRET_KEY);
  // Needs no Temporal, so it waits for none.
  const sealing = keepSealing({ db, backups, signer, logger }, stopping);
  const connection = await connectToTemporal(logger, stopping);
  if (!connection) return sealing;
  const { namespace } = temporalSettings();
  const temporal = new Client({ connection, namespace });
  await ensureNamespaceOn(connection, namespace).catch((err) =>
    logger.warn({ err }, 'The namespace could not be prepared: an operator has to (docs/configuration.md)'),
  );
  const files = openObjectStore(settings.FILES_URL);
  const [mailAlarm, relayAlarm] = [createAlarm(), createAlarm()];
  const { announce, drain } = createAnnouncer(db);
  const redis = settings.REDIS_URL ? connectRedis(settings.REDIS_URL, logger) : null;
  const erasure = createErasure({ db, files, backups, redis, temporal, settings, logger });
  await carryOutLedger(erasure.replay, stopping);
  const workers = await createTemporalWorkers(connection, {
    processes: {
      ...createDraftApprovalActivities({ db, commands: createCommands({ db, announce, settings }) }),
      ...createDraftRetentionActivities({ db, settings }),
      ...createAuditRetentionActivities({ db, backups, signer, settings }),
      ...erasure.activities,
    },
    email: createMailDeliveryActivities({
      db,
      temporal,
      files,
      backups,
      settings,
      alarm: mailAlarm,
      announce,
      stopping,
    }),
    logger,
    drainSeconds: settings.SHUTDOWN_DRAIN_SECONDS,
  });
  const runs = workers.map((worker) => worker.run());
  whenAborted(stopping, () => {
    for (const worker of workers) worker.shutdown();
  });
  logger.info('The worker works');
  await Promise.all([
    ...runs,
    keepLanes(temporal, logger, stopping),
    keepSchedules(temporal, logger, stopping),
    runRelay({ db, temporal, alarm: relayAlarm, logger }, stopping),
    listenForWork(settings.DATABASE_URL, { [MAIL_LANE]: mailAlarm, [RELAY]: relayAlarm }, stopping),
    keepSweeping({ db, files, logger }, stopping),
    keepErasures({ db, announce, logger }, stopping),
    sealing,
  ]);
  await drain();
  redis?.disconnect();
  await connection.close();
}

function whenAborted(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener('abort', act, { once: true });
}
