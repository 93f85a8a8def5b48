// Erasures as admins command them: request, confirm, cancel, extend.
import { uuidv7 } from 'uuidv7';
import { type Database, Prisma } from '../../prisma/client';
import { writeMessage } from '../outbox/outbox';
import { addMonths } from '../personal-data/calendar';
import { createSubjects, normaliseAddress } from '../personal-data/subject';
import { insertSuppression } from '../personal-data/suppress';
import { changeErasure, type ErasureRule } from '../user-erasure/change-erasure';
import { type ErasureRecord, readErasure, sealSubject, toState } from '../user-erasure/erasure-record';
import { type ErasureView, readSteps, toView } from '../user-erasure/erasure-view';
import { recordEvent } from './audit';
import type { CommandContext, CommandDependencies } from './context';
import { Refusal } from './refusal';

export interface ErasureRequest {
  email: string;
  /** ISO 8601 duration. */
  grace: string;
}

export interface ErasureCommands {
  /** From the answer on nothing is sent to that person. Joins the erasure that runs already. */
  requestErasure(context: CommandContext, input: ErasureRequest): Promise<ErasureView>;
  confirmErasure(context: CommandContext, id: string): Promise<ErasureView>;
  cancelErasure(context: CommandContext, id: string): Promise<ErasureView>;
  extendErasure(context: CommandContext, id: string, reason: string): Promise<ErasureView>;
}

export function createErasureCommands({ db, announce, settings }: CommandDependencies): ErasureCommands {
  const subjects = createSubjects(settings.SECRET_KEY);

  async function change(context: CommandContext, id: string, rule: ErasureRule): Promise<ErasureView> {
    const changed = await changeErasure(db, context, id, rule);
    if (!changed) throw new Refusal('not_found', 'There is no such erasure.');
    announce({ told: true });
    return toView(changed, await readSteps(db, id));
  }

  return {
    async requestErasure(context, { email, grace }) {
      const hashes = subjects.hashesOf(email);
      const record = await db.$transaction(async (transaction) => {
        const tx = transaction as Database;
        const joined = await findActive(tx, hashes);
        if (joined) return joined;
        const id = uuidv7();
        const sealed = sealSubject(subjects, { email: normaliseAddress(email), fingerprints: [] });
        const [times] = await tx.$queryRaw<{ isLate: boolean }[]>`
          INSERT INTO erasures (id, status, subject_hashes, active_hash, sealed, requested_by, requested_at, grace_until, deadline_at)
          SELECT ${id}::uuid, 'waiting', ${hashes}, ${hashes[0]}, ${sealed}, ${context.actor.id}::uuid, now,
            (utc + ${grace}::interval) AT TIME ZONE 'UTC', (utc + interval '1 month') AT TIME ZONE 'UTC'
          FROM (SELECT now, now AT TIME ZONE 'UTC' AS utc
                FROM (SELECT date_trunc('milliseconds', clock_timestamp()) AS now) c) t
          RETURNING grace_until >= deadline_at AS "isLate"`;
        if (times?.isLate) {
          throw new Refusal('invalid', 'The grace period is too long.', [
            { path: 'grace', message: 'must end within the month in which the law wants the erasure done, like PT24H' },
          ]);
        }
        await recordEvent(tx, context, { type: 'erasure.requested', subject: 'erasure', subjectId: id });
        const made = (await readErasure(tx, id)) as ErasureRecord;
        await writeMessage(tx, { process: 'userErasure', entityId: id, state: toState(made) });
        // Last, since it holds up the mail lane until the end of this transaction.
        await insertSuppression(tx, { kind: 'erased', hashes, erasureId: id, createdBy: context.actor.id });
        return made;
      });
      announce({ told: true });
      return toView(record, await readSteps(db, record.id));
    },

    confirmErasure: (context, id) =>
      change(context, id, ({ status, confirmedAt, preview, now }) => {
        if (confirmedAt !== null) return null;
        if (status !== 'waiting') throw wrongState(status, 'confirmed');
        if (preview === null) throw new Refusal('preview_pending', PREVIEW_PENDING);
        return { data: { confirmedAt: now }, event: 'erasure.confirmed' };
      }),

    cancelErasure: (context, id) =>
      change(context, id, ({ status, now }) => {
        if (status === 'cancelled') return null;
        if (status !== 'waiting') throw wrongState(status, 'cancelled');
        return {
          data: { status: 'cancelled', activeHash: null, sealed: null, endedAt: now },
          event: 'erasure.cancelled',
          alongside: async (tx) => {
            await tx.suppression.deleteMany({ where: { erasureId: id } });
          },
        };
      }),

    extendErasure: (context, id, reason) =>
      change(context, id, ({ status, extendedUntil, deadlineAt, requestedAt, now }) => {
        if (!['waiting', 'erasing', 'scanning', 'suspended'].includes(status)) throw wrongState(status, 'extended');
        if (extendedUntil !== null)
          throw new Refusal('wrong_state', 'It has been extended already; the law allows one.');
        if (now >= deadlineAt)
          throw new Refusal('deadline_passed', 'The first month has passed: it is too late to extend.');
        return {
          data: { extendedUntil: addMonths(requestedAt, 3), extensionReason: reason },
          event: 'erasure.extended',
        };
      }),
  };
}

const PREVIEW_PENDING =
  'The stores have not told yet what they hold about this person. Wait, read the erasure again, and confirm it once it has a preview.';

const wrongState = (status: string, act: string) =>
  new Refusal('wrong_state', `An erasure that is ${status} cannot be ${act}.`);

/** Holds the person for the rest of the transaction: nobody requests their erasure meanwhile. */
export async function findActive(tx: Database, hashes: Uint8Array[]): Promise<ErasureRecord | null> {
  // Two requests for one person at the same time: the second waits here and finds the first.
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(encode(${hashes.at(-1)}, 'hex'), 0))`;
  const [active] = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM erasures WHERE active_hash IN (${Prisma.join(hashes)})`;
  return active ? readErasure(tx, active.id) : null;
}
