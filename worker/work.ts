// All that a worker does, until it is asked to stop.

import { setMaxListeners } from 'node:events';
import { Client } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';
import type { Registry } from 'prom-client';
import { createAuditRetentionActivities } from '../activities/audit-retention';
import { countDraftEvents, observeAudit } from '../activities/audit-trail/metrics';
import { createSigner } from '../activities/audit-trail/signatures';
import { createCommands } from '../activities/commands/create-commands';
import { createAdoptionActivities } from '../activities/continuity/adoption';
import { holdMail } from '../activities/continuity/hold';
import { createWitness } from '../activities/continuity/witness';
import { createCrmSyncActivities } from '../activities/crm-sync';
import { createDraftApprovalActivities } from '../activities/draft-approval';
import { createDraftRetentionActivities } from '../activities/draft-retention';
import { createFailingSteps } from '../activities/failing-steps';
import { createMailDeliveryActivities } from '../activities/mail-delivery';
import { createOperationsActivities } from '../activities/operations';
import { createAnnouncer, RELAY } from '../activities/outbox/announcer';
import { runRelay } from '../activities/outbox/relay';
import { checkRestorePoints, createRestorePointActivities } from '../activities/restore-points';
import { openStoreTools } from '../ops/recovery/tools';
import { createAlarm } from '../ops/runtime/alarm';
import type { Configuration } from '../ops/runtime/configuration';
import type { Logger } from '../ops/runtime/logging';
import { openObjectStore } from '../ops/runtime/object-store';
import { connectRedis } from '../ops/runtime/redis';
import { openSignedStore } from '../ops/runtime/signed-store';
import type { Telemetry } from '../ops/runtime/telemetry';
import type { TemporalSettings } from '../ops/runtime/temporal';
import { ensureNamespaceOn } from '../ops/runtime/temporal-namespace';
import { traceCalls } from '../ops/runtime/trace-calls';
import type { Database } from '../prisma/client';
import { type HeldCode, isRewound } from '../workflows/contracts/held-mail';
import { MAIL_LANE } from '../workflows/contracts/lane';
import { FILE_STORE, LANES } from '../workflows/contracts/services';
import { openAdoptionWorker } from './adoption';
import { awaitContinuity, compareNow, isCompared, keepContinuity, type Watch } from './continuity';
import { createErasure } from './erasure';
import { keepErasures } from './erasures';
import { keepLanes, noteHubspot } from './lanes';
import { carryOutLedger } from './ledger';
import { listenForWork } from './listener';
import { keepMentions } from './mentions';
import { keepProcesses } from './open-processes';
import type { WorkerStage } from './probes';
import { findHostRecovery } from './recovery';
import { keepRefusals } from './refusals';
import { observeRuns } from './run-metrics';
import { keepSchedules, RECOVERY_SCHEDULES, SCHEDULES } from './schedules';
import { keepSealing } from './sealer';
import { checkSteps } from './step-checks';
import { keepSweeping } from './sweep';
import { connectToTemporal } from './temporal-connection';
import { createOpsWorker, createTemporalWorkers } from './temporal-workers';

export interface Working {
  settings: Configuration;
  temporal: TemporalSettings;
  db: Database;
  registry: Registry;
  logger: Logger;
  telemetry: Telemetry;
  /** Is told how far the worker has come. */
  stage?: WorkerStage;
}

/** Until `stopping`, and then until all that had begun is done. */
export async function runWorker(
  { settings, temporal: server, db, registry, logger, telemetry, stage }: Working,
  stopping: AbortSignal,
): Promise<void> {
  // Everything that it does listens to it, which Node would take for a leak.
  setMaxListeners(0, stopping);
  const backups = openSignedStore(settings);
  const signer = createSigner(settings.SECRET_KEY);
  const watch: Watch = { comparedServer: null };
  // Needs no Temporal, so it waits for none; but an anchor is written only by a database that is where it was.
  let endOthers = () => {};
  const othersEnded = new Promise<void>((resolve) => {
    endOthers = resolve;
  });
  const mayAnchor = () => isCompared(db, watch);
  const sealing = keepSealing(
    { db, backups, signer, logger, mayAnchor, noteSealed: countDraftEvents(registry) },
    stopping,
    othersEnded,
  );
  const connection = await connectToTemporal(server, logger, stopping);
  if (!connection) {
    endOthers();
    return sealing;
  }
  const { namespace } = server;
  const interceptors = telemetry.isOn ? { workflow: [traceCalls] } : {};
  const temporal = new Client({ connection, namespace, interceptors });
  await ensureNamespaceOn(connection, namespace).catch((err) =>
    logger.warn({ err }, 'The namespace could not be checked: see that it is as docs/configuration.md says'),
  );
  const version = versionOf(settings);
  if (version) logger.info({ version }, 'New runs come to this build once it is the current one (docs/upgrades.md)');
  const steps = createFailingSteps({ db, logger });
  const shared = { namespace, logger, steps, telemetry, drainSeconds: settings.SHUTDOWN_DRAIN_SECONDS, version };
  const redis = settings.REDIS_URL ? connectRedis(settings.REDIS_URL, logger) : null;
  // Before anything that asks the database: what brings a database back must not wait for it.
  const recovery = await findHostRecovery({ settings, db, redis, temporal, registry, logger });
  const ops = runUntil(stopping, await createOpsWorker(connection, { ...shared, ops: recovery?.activities }));
  observeRuns(registry, temporal);
  if (stage) stage.hasStarted = true;
  const files = openObjectStore(settings.FILES_URL, FILE_STORE);
  const [mailAlarm, relayAlarm] = [createAlarm(), createAlarm()];
  const witness = createWitness({ db, logger });
  const { announce, drain } = createAnnouncer(db, witness);
  const erasure = createErasure({ db, files, backups, redis, temporal, settings, logger });
  const continuity = { db, backups, temporal, verifier: signer, ledger: erasure.replay.ledger, logger, witness, watch };
  const adopting = { ...continuity, signer, erasures: erasure.replay, tools: openStoreTools(settings) };
  const activities = { ...createAdoptionActivities(adopting), ...createOperationsActivities({ temporal }) };
  const adoptionWorker = await openAdoptionWorker(connection, { ...shared, db, activities }, stopping);
  const adoption = adoptionWorker && runUntil(stopping, adoptionWorker);
  // Commands go on in a database that went back: it must not hold people who have been erased.
  let replay: Promise<void> | null = null;
  await awaitContinuity(continuity, stopping, (code) => {
    if (isRewound(code)) replay ??= carryOutLedger(erasure.replay, stopping);
  });
  await replay;
  await carryOutLedger(erasure.replay, stopping);
  await checkRestorePoints(db, logger).catch((err) => logger.warn({ err }, 'Restore points could not be checked'));
  const { HUBSPOT_ACCESS_TOKEN: hubspot } = settings;
  await noteHubspot(db, hubspot !== undefined);
  const lane = {
    db,
    temporal,
    backups,
    announce,
    hold: (code: HeldCode) => holdMail({ db, logger }, code),
    compare: () => compareNow(continuity),
    stopping,
    logger,
  };
  const workers = await createTemporalWorkers(connection, {
    processes: {
      ...createDraftApprovalActivities({ db, commands: createCommands({ db, announce, settings }) }),
      ...createDraftRetentionActivities({ db, settings }),
      ...createAuditRetentionActivities({ db, backups, signer, settings, noteVerification: observeAudit(registry) }),
      ...erasure.activities,
      ...erasure.exportActivities,
      ...createOperationsActivities({ temporal }),
      ...createRestorePointActivities({ db, backups }),
    },
    lanes: {
      email: createMailDeliveryActivities({ ...lane, files, settings, telemetry, alarm: mailAlarm }),
      ...(hubspot
        ? { hubspot: createCrmSyncActivities({ ...lane, settings, token: hubspot, alarm: createAlarm() }) }
        : {}),
    },
    ...shared,
  });
  const schedules = [...SCHEDULES, ...(recovery ? RECOVERY_SCHEDULES : [])];
  const runs = workers.map((worker) => runUntil(stopping, worker));
  if (stage) stage.isWorking = true;
  logger.info('The worker works');
  await Promise.all([
    ops,
    adoption,
    ...runs,
    keepContinuity(continuity, stopping),
    keepLanes({ db, temporal, logger, lanes: hubspot ? LANES : [MAIL_LANE] }, stopping),
    keepSchedules(temporal, logger, stopping, schedules),
    keepProcesses({ db, temporal, schedules, announce, logger }, stopping),
    runRelay({ db, temporal, alarm: relayAlarm, logger, telemetry }, stopping),
    listenForWork(settings.DATABASE_URL, { [MAIL_LANE]: mailAlarm, [RELAY]: relayAlarm }, stopping),
    keepSweeping({ db, files, logger }, stopping),
    keepErasures({ db, announce, logger }, stopping),
    keepRefusals({ db, logger }, stopping),
    keepMentions({ db, logger, ...erasure }, stopping),
    checkSteps({ db, temporal, logger, steps }, stopping),
  ]);
  await drain();
  endOthers();
  await sealing;
  await erasure.matcher.close();
  redis?.disconnect();
  await connection.close();
}

function versionOf({ TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_WORKER_BUILD_ID: buildId }: Configuration) {
  return buildId === undefined ? null : { deploymentName, buildId };
}

/** Until what it had begun is done. */
function runUntil(stopping: AbortSignal, worker: Worker): Promise<void> {
  const run = worker.run();
  if (stopping.aborted) worker.shutdown();
  else stopping.addEventListener('abort', () => worker.shutdown(), { once: true });
  return run;
}
