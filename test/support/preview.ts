// Erasures are confirmed once they have a preview, which a worker makes.
import type { Database } from '../../prisma/client';
import { until } from './until';

/** Where no worker runs. */
export async function makePreview(db: Database, requestId: string): Promise<void> {
  await db.erasure.update({ where: { id: requestId }, data: { preview: [] } });
}

/** Where one runs. */
export async function awaitPreview(db: Database, requestId: string): Promise<void> {
  const wherever = { where: { id: requestId }, select: { preview: true } };
  await until('it has a preview', async () => (await db.erasure.findUniqueOrThrow(wherever)).preview);
}
