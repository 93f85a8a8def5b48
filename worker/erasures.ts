// Open erasures and exports are told of again from time to time: one whose workflow an operator has terminated starts again by
// that.
import { setTimeout as delay } from 'node:timers/promises';
import type { Announcement } from '../activities/commands/context';
import { writeMessage } from '../activities/outbox/outbox';
import { readExport, toState as toExportState } from '../activities/person-export/export-record';
import { readErasure, toState } from '../activities/user-erasure/erasure-record';
import type { Logger } from '../ops/runtime/logging';
import type { Database } from '../prisma/client';

const TELLS_EACH_MS = 60_000;

export interface KeepErasures {
  db: Database;
  announce(announcement: Announcement): void;
  logger: Logger;
}

export async function keepErasures({ db, announce, logger }: KeepErasures, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    await tellOpen(db).then(
      (told) => announce({ told: told > 0 }),
      (err) => logger.warn({ err }, 'Open erasures and exports could not be told of; the next look does'),
    );
    await delay(TELLS_EACH_MS, undefined, { signal: stopping }).catch(() => {});
  }
}

const tellOpen = async (db: Database) => (await tellOpenErasures(db)) + (await tellPendingExports(db));

/** Repeats do no harm: a run keeps the newest state, and a new one reads its row first. */
async function tellOpenErasures(db: Database): Promise<number> {
  const open = await db.erasure.findMany({ where: { endedAt: null }, select: { id: true } });
  for (const { id } of open) {
    const record = await readErasure(db, id);
    if (record?.endedAt === null)
      await writeMessage(db, { process: 'userErasure', entityId: id, state: toState(record) });
  }
  return open.length;
}

async function tellPendingExports(db: Database): Promise<number> {
  const pending = await db.personExport.findMany({ where: { status: 'pending' }, select: { id: true } });
  for (const { id } of pending) {
    const record = await readExport(db, id);
    if (record?.status === 'pending')
      await writeMessage(db, { process: 'personExport', entityId: id, state: toExportState(record) });
  }
  return pending.length;
}
