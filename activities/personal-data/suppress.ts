// An address that gets no mail from here on. What the lane opens after this has committed looks and sees it.
import { uuidv7 } from 'uuidv7';
import type { Database } from '../../prisma/client';
import { LANES } from '../../workflows/contracts/services';

export type SuppressionKind = 'manual' | 'unsubscribed' | 'erased';

export interface Suppression {
  id: string;
  kind: SuppressionKind;
  /** As an admin gave it; null where only hashes are kept. */
  email: string | null;
  reason: string | null;
  createdAt: Date;
}

export interface NewSuppression {
  kind: SuppressionKind;
  /** Of the address, one for each key of SECRET_KEY. */
  hashes: Uint8Array[];
  email?: string;
  reason?: string;
  /** With kind `erased`: its one suppression, however often it is asked for. */
  erasureId?: string;
  createdBy?: string;
}

type Transaction = Pick<Database, '$queryRaw' | '$executeRaw'>;

/** Beside these another one says nothing new. An admin's own can be removed, so it is none to whoever unsubscribes; nor is
 *  that of an erasure which may still be cancelled. */
const SUFFICIENT: Record<SuppressionKind, SuppressionKind[]> = {
  manual: ['manual', 'unsubscribed', 'erased'],
  unsubscribed: ['unsubscribed', 'erased'],
  erased: [],
};

/**
 * In the caller's transaction, which waits for the claims and opens that hold a lane and makes all others wait for its
 * end: so it should be short. A suppression that is there already learns the hashes that it lacks.
 */
export async function insertSuppression(
  tx: Transaction,
  { kind, hashes, email, reason, erasureId, createdBy }: NewSuppression,
): Promise<{ suppression: Suppression; added: boolean }> {
  await tx.$queryRaw`SELECT 1 FROM lanes WHERE name = ANY (${[...LANES]}) ORDER BY name FOR UPDATE`;
  const [standing] = await tx.$queryRaw<Suppression[]>`
    SELECT id, kind, email, reason, created_at AS "createdAt" FROM suppressions s
    WHERE erasure_id = ${erasureId ?? null}::uuid OR (kind = ANY (${SUFFICIENT[kind]}) AND EXISTS (
      SELECT 1 FROM suppressed_hashes h WHERE h.suppression_id = s.id AND h.hash = ANY (${hashes}::bytea[]))
        AND NOT EXISTS (SELECT 1 FROM erasures e WHERE e.id = s.erasure_id AND e.status = 'waiting'))
    ORDER BY created_at, id LIMIT 1`;
  const suppression = standing ?? (await insert());
  await tx.$executeRaw`
    INSERT INTO suppressed_hashes (hash, suppression_id)
    SELECT DISTINCT hash, ${suppression.id}::uuid FROM unnest(${hashes}::bytea[]) AS hash
    ON CONFLICT DO NOTHING`;
  return { suppression, added: !standing };

  async function insert(): Promise<Suppression> {
    const [row] = await tx.$queryRaw<Suppression[]>`
      INSERT INTO suppressions (id, kind, email, reason, erasure_id, created_by, created_at)
      VALUES (${uuidv7()}::uuid, ${kind}, ${email ?? null}, ${reason ?? null}, ${erasureId ?? null}::uuid,
        ${createdBy ?? null}::uuid, clock_timestamp())
      RETURNING id, kind, email, reason, created_at AS "createdAt"`;
    return row as Suppression;
  }
}
