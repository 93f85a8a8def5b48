// Whether Temporal is the store that knows this database's open processes. One that was lost and begun anew, or one that knows
// an earlier life of a restored database, is told of all of them.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client, ScheduleOptions } from '@temporalio/client';
import type { Announcement } from '../activities/commands/context';
import { holdMail } from '../activities/continuity/hold';
import { endGoneProcesses } from '../activities/outbox/gone-processes';
import { tellOpenProcesses } from '../activities/outbox/open-processes';
import type { Logger } from '../ops/runtime/logging';
import { ensureNamespaceOn } from '../ops/runtime/temporal-namespace';
import type { Database } from '../prisma/client';
import { makeMissingSchedules } from './schedules';

const LOOKS_EACH_MS = 30_000;

export interface KeepProcesses {
  db: Database;
  temporal: Client;
  schedules: readonly ScheduleOptions[];
  announce(announcement: Announcement): void;
  logger: Logger;
}

export async function keepProcesses(dependencies: KeepProcesses, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    await look(dependencies, stopping).catch((err) =>
      dependencies.logger.warn({ err }, 'Temporal could not be told of all open processes; the next look does'),
    );
    await delay(LOOKS_EACH_MS, undefined, { signal: stopping }).catch(() => {});
  }
}

/** Nothing is told while the relay is held: a restore is under way. Which store it is, is written down at the end, so that a
 *  look that was cut off is repeated. */
async function look(
  { db, temporal, schedules, announce, logger }: KeepProcesses,
  stopping: AbortSignal,
): Promise<void> {
  const { namespace } = temporal.options;
  const { namespaceInfo } = await temporal.workflowService.describeNamespace({ namespace });
  const id = namespaceInfo?.id ?? '';
  const known = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  if (known.temporalNamespaceId === id) return;
  const { held } = await db.lane.findUniqueOrThrow({ where: { name: 'relay' } });
  if (held) return;
  // The database may be a copy: an operator has to say that it was moved (ops/restore.sh --adopt --moved).
  if (known.temporalNamespaceId !== null) return holdMail({ db, logger }, 'other_temporal');
  logger.info('Temporal is told of all open processes');
  await ensureNamespaceOn(temporal.connection, namespace).catch(() => {});
  await makeMissingSchedules(temporal, schedules);
  if (!(await tellOpenProcesses(db, () => announce({ told: true }), stopping))) return;
  if (known.generation > 1) await endGoneProcesses(db, temporal);
  const { generation, temporalNamespaceId } = known;
  await db.instance.updateMany({ where: { generation, temporalNamespaceId }, data: { temporalNamespaceId: id } });
}
