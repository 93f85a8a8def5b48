// Records an operator's act on an external service, with the reason that they gave for it.
import { uuidv7 } from 'uuidv7';
import type { Database } from '../../prisma/client';
import { type AuditEntry, recordEvent } from './audit';
import type { CommandContext, CommandDependencies } from './context';

export interface ServiceAct {
  /** A code, such as `email`. */
  service: string;
  event: 'service.paused' | 'service.resumed' | 'service.reset';
  /** Free text: it stays in PostgreSQL. */
  reason?: string | undefined;
}

export interface ServiceCommands {
  /**
   * Records the act and its reason, and carries it out, in one transaction.
   * @param carryOut receives the id of the note that holds the reason; null where the operator gave none. If it throws,
   *   nothing is recorded.
   */
  actOnService(
    context: CommandContext,
    act: ServiceAct,
    carryOut: (note: string | null) => Promise<void>,
  ): Promise<void>;
}

/** Temporal gets three seconds to take the signal, and PostgreSQL the rest. */
const WITHIN_MS = 10_000;

export function createServiceCommands({ db }: Pick<CommandDependencies, 'db'>): ServiceCommands {
  return {
    // The signal goes out after the rows are written and before they are committed. So a database that is away signals
    // nothing, and a signal that fails records nothing. Only a commit that fails leaves an act without its record; its caller
    // is told to try again, and every act may be repeated.
    actOnService: (context, { service, event, reason }, carryOut) =>
      db.$transaction(
        async (transaction) => {
          const tx = transaction as Database;
          const act = { id: uuidv7(), type: event, subject: 'service', data: { service } };
          await recordAct(tx, context, act, { about: service, reason });
          const note = reason === undefined ? null : act.id;
          await carryOut(note);
          // Last: the lane waits for its row.
          if (event === 'service.paused') await recordPause(tx, service, context.actor.id, note);
          if (event === 'service.resumed') await forgetPause(tx, service);
        },
        { timeout: WITHIN_MS },
      ),
  };
}

/** Records an operator's act and, if they gave one, its reason under the event's id. Call it in a transaction. */
export async function recordAct(
  tx: Database,
  context: CommandContext,
  act: AuditEntry & { id: string },
  { about, reason }: { about: string; reason?: string | undefined },
): Promise<void> {
  await recordEvent(tx, context, act);
  if (reason !== undefined) await tx.operatorNote.create({ data: { id: act.id, service: about, text: reason } });
}

/** Keeps the first operator who paused it, as the lane's workflow does. */
async function recordPause(tx: Database, service: string, actor: string, note: string | null): Promise<void> {
  await tx.$executeRaw`
    UPDATE lanes SET paused_at = clock_timestamp(), paused_by = ${actor}::uuid, paused_note = ${note}::uuid
    WHERE name = ${service} AND paused_at IS NULL`;
}

async function forgetPause(tx: Database, service: string): Promise<void> {
  await tx.lane.updateMany({ where: { name: service }, data: { pausedAt: null, pausedBy: null, pausedNote: null } });
}
