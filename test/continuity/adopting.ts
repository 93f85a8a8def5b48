// What tests of databases that went back in time or were copied share: mail is held, and somebody adopts the database.

import { readHeld } from '../../activities/continuity/hold';
import { readDatabaseId } from '../../activities/continuity/neighbours';
import { type Run, readRun, startAdoption } from '../../ops/recovery/runs';
import type { Database } from '../../prisma/client';
import {
  type AdoptedAs,
  type AdoptionResult,
  adoptionQueue,
  adoptionWorkflowId,
} from '../../workflows/contracts/adoption';
import { copyTestDatabase, type TestDatabase } from '../support/database';
import type { TestNamespace } from '../support/temporal';
import { until } from '../support/until';

/** Of issue: within so long of a worker's start. */
const HELD_WITHIN_MS = 10_000;
const ADOPTED_WITHIN_MS = 60_000;

/** @returns why */
export const untilHeld = (db: Database, withinMs = HELD_WITHIN_MS): Promise<string> =>
  until('mail is held', async () => (await readHeld(db))?.code, withinMs);

/** The database remembers with whom it lives. */
export const untilAtHome = (db: Database) =>
  until('the worker has told Temporal of all', async () => {
    const { temporalNamespaceId, databaseId } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
    return temporalNamespaceId !== null && databaseId !== null;
  });

export async function adopt(
  db: Database,
  { client }: Pick<TestNamespace, 'client'>,
  as: AdoptedAs = 'rewound',
): Promise<Run<string, AdoptionResult>> {
  const databaseId = await readDatabaseId(db);
  const workflowId = adoptionWorkflowId(databaseId);
  const heldAt = (await readHeld(db))?.at.toISOString() ?? null;
  await startAdoption(client, { workflowId, queue: adoptionQueue(databaseId), as, heldAt, yes: true });
  return until(
    'the adoption is over',
    async () => {
      const run = await readRun<string, AdoptionResult>(client, workflowId).catch(() => null);
      return run?.isOver ? run : null;
    },
    ADOPTED_WITHIN_MS,
  );
}

/** As if its folder had been copied: it takes itself for the same. */
export async function copyInPlace(of: TestDatabase): Promise<TestDatabase> {
  const copy = await copyTestDatabase(of);
  await copy.db.instance.updateMany({
    where: { databaseId: { not: null } },
    data: { databaseId: await readDatabaseId(copy.db) },
  });
  return copy;
}
