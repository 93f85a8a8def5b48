// The API process: its connections, its servers, and their end in order.
import { createCommands } from '../activities/commands/create-commands';
import { createSessionCommands } from '../activities/commands/sessions';
import { createWitness } from '../activities/continuity/witness';
import { createLedgerGate } from '../activities/erasure-ledger/gate';
import { openLedger } from '../activities/erasure-ledger/ledger';
import { createAnnouncer } from '../activities/outbox/announcer';
import type { Configuration } from '../ops/runtime/configuration';
import type { Logger } from '../ops/runtime/logging';
import { createRegistry, createRequestObserver, startMetricsServer } from '../ops/runtime/metrics';
import { openObjectStore } from '../ops/runtime/object-store';
import { observePool } from '../ops/runtime/pool-metrics';
import { connectRedis } from '../ops/runtime/redis';
import { endOnCrash, shutDownOnSignal } from '../ops/runtime/shutdown';
import { openSignedStore } from '../ops/runtime/signed-store';
import type { Telemetry } from '../ops/runtime/telemetry';
import { openTemporalClient } from '../ops/runtime/temporal';
import { traceCalls } from '../ops/runtime/trace-calls';
import { createDatabase } from '../prisma/client';
import { createApp } from './app';
import { TIMES } from './connections';
import { observeDependencies } from './dependency-metrics';
import { createHealthChecks } from './health-checks';
import { createProvenRestore } from './proven-restore';
import { createApiServer } from './server';
import { keepWitness } from './witness';

export async function startApi(settings: Configuration, logger: Logger, telemetry: Telemetry): Promise<void> {
  endOnCrash(logger, (error) => {
    telemetry.report(error);
    return telemetry.close();
  });
  const { db, pool, close } = createDatabase(settings, settings.DB_STATEMENT_TIMEOUT_SECONDS * 1000);
  const redis = settings.REDIS_URL ? connectRedis(settings.REDIS_URL, logger) : null;
  const temporal = openTemporalClient({}, telemetry.isOn ? [traceCalls] : []);
  const registry = createRegistry('api');
  observePool(registry, pool, telemetry);
  const gate = createLedgerGate(openLedger(settings));
  const checks = createHealthChecks({
    databaseUrl: settings.DATABASE_URL,
    redis,
    temporal,
    gate,
  });
  observeDependencies(registry, checks);
  const witness = createWitness({ db, logger });
  const ending = new AbortController();
  const witnessing = keepWitness(witness, ending.signal);
  const announcer = createAnnouncer(db, witness);
  const lifecycle = { draining: false };

  const backups = openSignedStore(settings);
  const app = createApp({
    db,
    commands: createCommands({ db, settings, announce: announcer.announce }),
    sessions: createSessionCommands(db),
    files: openObjectStore(settings.FILES_URL),
    backups,
    redis,
    temporal,
    checks,
    gate,
    witness,
    provenRestore: createProvenRestore(backups, backups.signer),
    settings,
    logger,
    observe: createRequestObserver(registry),
    telemetry,
    lifecycle,
  });
  const { listen, drain, cutOff } = createApiServer(app, {
    ...TIMES,
    most: settings.CONNECTIONS,
    mostPerClient: settings.TRUST_PROXY === undefined ? settings.CONNECTIONS_PER_CLIENT : null,
  });
  const metrics = await startMetricsServer(registry, { host: settings.METRICS_HOST, port: settings.METRICS_PORT });
  await listen({ host: settings.HOST, port: settings.PORT });
  logger.info({ host: settings.HOST, port: settings.PORT }, 'The API listens');

  shutDownOnSignal({
    logger,
    drainSeconds: settings.SHUTDOWN_DRAIN_SECONDS,
    refuse() {
      lifecycle.draining = true;
    },
    drain,
    cutOff,
    close: [
      () => ending.abort(),
      () => witnessing,
      () => announcer.drain(),
      () => temporal.connection.close(),
      () => checks.close(),
      close,
      () => redis?.disconnect(),
      () => metrics.close(),
      () => telemetry.close(),
    ],
  });
}
