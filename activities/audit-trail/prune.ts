// Removes the oldest events of the chain, a batch at a time, each with a signed checkpoint from which the rest verifies.
import { uuidv7 } from 'uuidv7';
import type { Database } from '../../prisma/client';
import { recordEvent } from '../commands/audit';
import { SYSTEM } from '../commands/context';
import type { Link } from './chain';
import { readCheckpoint, signCheckpoint } from './checkpoints';
import { readLinks } from './links';
import type { Signer } from './signatures';

/** @returns how many events went; fewer than `limit` where nothing more may go */
export async function pruneEvents(
  { db, signer }: { db: Database; signer: Signer },
  before: Date,
  limit: number,
): Promise<number> {
  const from = (await readCheckpoint(db))?.position ?? 0n;
  const { anchored } = await db.auditProgress.findUniqueOrThrow({ where: { id: 1 } });
  const old: Link[] = [];
  for await (const link of readLinks(db, from, limit)) {
    // The chain loses its beginning, never a piece of its middle: what came in late waits for its neighbours.
    if (!link.event || new Date(link.event.at) >= before || link.position > anchored) break;
    old.push(link);
  }
  const last = old.at(-1);
  if (!last) return 0;
  const checkpoint = {
    position: last.position,
    hash: last.hash,
    events: old.length,
    at: new Date(),
    reason: 'retention',
  };
  const signature = signCheckpoint(signer, checkpoint);
  await db.$transaction(
    async (tx) => {
      await tx.$queryRaw`
        SELECT prune_audit(${last.position}::bigint, ${last.hash}::bytea, ${checkpoint.at}::timestamptz, ${signature}::bytea,
          ${checkpoint.reason}::text)`;
      // An operator's note goes with the event of the act that it explains.
      await tx.$executeRaw`
        DELETE FROM operator_notes n WHERE NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.id = n.id)`;
      const data = { position: Number(last.position), events: old.length, reason: checkpoint.reason };
      const context = { actor: SYSTEM, requestId: uuidv7() };
      await recordEvent(tx as Database, context, { type: 'audit.pruned', subject: 'audit', data });
    },
    { timeout: 60_000 },
  );
  return old.length;
}
