// Checks after every trouble that the audit trail of a database is whole.
import { createSigner } from '../../activities/audit-trail/signatures';
import { verifyTrail } from '../../activities/audit-trail/verify';
import { openObjectStore } from '../../ops/runtime/object-store';
import type { Database } from '../../prisma/client';
import { SETTINGS } from './commands';
import { until } from './until';

/** Waits until a worker has sealed every event. @param backupUrl where its anchors lie */
export async function expectWholeTrail(db: Database, backupUrl: string): Promise<void> {
  const given = { db, store: openObjectStore(backupUrl), verifier: createSigner(SETTINGS.SECRET_KEY) };
  const found = await until('every event is sealed', async () => {
    const verified = await verifyTrail(given);
    return verified.unsealed.events === 0 || !verified.ok ? verified : null;
  });
  expect(found).toMatchObject({ ok: true, reason: null });
}
