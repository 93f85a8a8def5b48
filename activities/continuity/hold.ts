// Holds all mail of a database that lost commits or was copied, until an operator adopts it (ops/restore.sh --adopt).
import { uuidv7 } from 'uuidv7';
import type { Logger } from '../../ops/runtime/logging';
import { type Database, SERVER } from '../../prisma/client';
import { type HeldCode, wayOut, whyHeld } from '../../workflows/contracts/held-mail';
import { recordEvent } from '../commands/audit';
import { SYSTEM } from '../commands/context';

export interface HoldDependencies {
  db: Database;
  logger: Logger;
}

/** Findings of several processes within this time are of one event. */
const SAME_EVENT_MS = 5_000;

/**
 * Stops all lanes and the relay; commands and reads go on. A later finding replaces an earlier one, so that an adoption that is
 * under way does not end it.
 */
export async function holdMail({ db, logger }: HoldDependencies, code: HeldCode): Promise<void> {
  const isNew = await db.$transaction(async (transaction) => {
    const tx = transaction as Database;
    const held = await tx.$executeRaw`
      UPDATE instance SET held_code = ${code}, held_at = clock_timestamp()
      WHERE id = 1 AND (held_code IS NULL OR held_at < clock_timestamp() - ${`${SAME_EVENT_MS} ms`}::interval)`;
    // Claim and open lock the lane's row, so this waits until a running one has committed.
    await tx.$executeRaw`UPDATE lanes SET held = true WHERE NOT held`;
    if (held === 0) return false;
    const context = { actor: SYSTEM, requestId: uuidv7() };
    await recordEvent(tx, context, { type: 'mail.held', subject: 'instance', data: { code } });
    return true;
  });
  if (isNew) logger.error({ code }, `All mail is held: ${whyHeld(code)}. Next: ${wayOut(code)}`);
}

/** Returns which server answers, and whether its mail is held. */
export async function readServer(db: Database): Promise<{ server: string; isHeld: boolean }> {
  const [row] = await db.$queryRaw<[{ server: string; isHeld: boolean }]>`
    SELECT ${SERVER} AS server, held_code IS NOT NULL AS "isHeld" FROM instance WHERE id = 1`;
  return row;
}

/** Returns null if mail is not held, or held by a restore. */
export async function readHeld(db: Database): Promise<{ code: string; at: Date } | null> {
  const { heldCode: code, heldAt: at } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  return code === null ? null : { code, at: at ?? new Date(0) };
}
