// The worker process: what it runs, and its end in order.

import { createCommands } from '../activities/commands/create-commands';
import { createDraftApprovalActivities } from '../activities/draft-approval';
import { createMailDeliveryActivities } from '../activities/mail-delivery';
import { createAnnouncer } from '../activities/outbox/announcer';
import { createMessageDelivery } from '../activities/outbox/message-delivery';
import { runRelay } from '../activities/outbox/relay';
import { createAlarm } from '../ops/runtime/alarm';
import type { Configuration } from '../ops/runtime/configuration';
import type { Logger } from '../ops/runtime/logging';
import { createRegistry, observePool, startMetricsServer } from '../ops/runtime/metrics';
import { openObjectStore } from '../ops/runtime/object-store';
import { endOnCrash, shutDownOnSignal } from '../ops/runtime/shutdown';
import type { Telemetry } from '../ops/runtime/telemetry';
import { openTemporalClient } from '../ops/runtime/temporal';
import { ensureNamespaceOn } from '../ops/runtime/temporal-namespace';
import { createDatabase } from '../prisma/client';
import { listenForMail } from './lane-listener';
import { keepLanes } from './lanes';
import { keepSweeping } from './sweep';
import { connectToTemporal, createTemporalWorkers, installRuntime } from './temporal-workers';

export async function startWorker(settings: Configuration, logger: Logger, telemetry: Telemetry): Promise<void> {
  endOnCrash(logger, (error) => {
    telemetry.report(error);
    return telemetry.close();
  });
  installRuntime(logger);
  const { db, pool, close } = createDatabase(settings);
  const temporal = openTemporalClient();
  const files = openObjectStore(settings.FILES_URL);
  const backups = openObjectStore(settings.BACKUP_URL);
  const registry = createRegistry('worker');
  observePool(registry, pool);
  const metrics = await startMetricsServer(registry, settings.WORKER_METRICS_PORT);

  const ending = new AbortController();
  const stopping = ending.signal;
  const alarm = createAlarm();
  const deliver = createMessageDelivery({ db, temporal });
  const { announce, drain } = createAnnouncer({ db, deliver });
  const commands = createCommands({ db, announce, settings });
  const processes = createDraftApprovalActivities({ db, commands });
  const email = createMailDeliveryActivities({
    db,
    temporal,
    files,
    backups,
    settings,
    alarm,
    tell(told) {
      for (const message of told) announce({ message });
    },
    stopping,
  });

  async function runWorkers(): Promise<void> {
    const connection = await connectToTemporal(logger, stopping);
    if (!connection) return;
    await ensureNamespaceOn(connection, temporal.options.namespace).catch((err) =>
      logger.warn({ err }, 'The namespace could not be prepared: an operator has to (docs/configuration.md)'),
    );
    const options = { processes, email, logger, drainSeconds: settings.SHUTDOWN_DRAIN_SECONDS };
    const workers = await createTemporalWorkers(connection, options);
    const runs = workers.map((worker) => worker.run());
    whenAborted(stopping, () => {
      for (const worker of workers) worker.shutdown();
    });
    logger.info('The worker works');
    await Promise.all([...runs, keepLanes(temporal, logger, stopping)]);
    await connection.close();
  }

  const work = Promise.all([
    runWorkers(),
    runRelay({ db, temporal, deliver, logger }, stopping),
    listenForMail(settings.DATABASE_URL, alarm, stopping),
    keepSweeping({ db, files, logger }, stopping),
  ]).then(drain);
  shutDownOnSignal({
    logger,
    drainSeconds: settings.SHUTDOWN_DRAIN_SECONDS,
    refuse: () => ending.abort(),
    drain: () => work,
    close: [() => temporal.connection.close(), close, () => metrics.close(), () => telemetry.close()],
  });
  await work;
}

function whenAborted(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener('abort', act, { once: true });
}
