// Legal holds: what must be kept, in spite of erasure and retention, for a reason and until an end.
import { uuidv7 } from 'uuidv7';
import { type Database, Prisma } from '../../prisma/client';
import { createSubjects } from '../personal-data/subject';
import { changeErasure } from '../user-erasure/change-erasure';
import { recordEvent } from './audit';
import type { CommandContext, CommandDependencies } from './context';
import { Refusal } from './refusal';

export interface HoldInput {
  email?: string | undefined;
  draftId?: string | undefined;
  reason: string;
  until?: string | undefined;
}

/** Of a hold on a person only the hash is kept, so nothing here says who it is. */
export interface HoldView {
  id: string;
  kind: 'person' | 'draft';
  draftId: string | null;
  reason: string;
  until: string | null;
  createdAt: string;
  releasedAt: string | null;
}

export interface HoldCommands {
  placeHold(context: CommandContext, input: HoldInput): Promise<HoldView>;
  /** What was suspended for it goes on by itself. */
  releaseHold(context: CommandContext, id: string): Promise<void>;
}

export function createHoldCommands({ db, announce, settings }: CommandDependencies): HoldCommands {
  const subjects = createSubjects(settings.SECRET_KEY);
  return {
    async placeHold(context, { email, draftId, reason, until }) {
      const hold = await db.$transaction(async (transaction) => {
        const tx = transaction as Database;
        await waitForErasers(tx);
        if (draftId !== undefined) await assertThere(tx, draftId);
        const made = await tx.legalHold.create({
          data: {
            id: uuidv7(),
            draftId: draftId ?? null,
            subjectHashes: email === undefined ? [] : subjects.hashesOf(email),
            reason,
            until: until === undefined ? null : new Date(until),
            createdBy: context.actor.id,
            createdAt: new Date(),
          },
        });
        const codes = { kind: draftId === undefined ? 'person' : 'draft', ...(draftId ? { draftId } : {}) };
        await recordEvent(tx, context, { type: 'hold.placed', subject: 'hold', subjectId: made.id, data: codes });
        return made;
      });
      return toView(hold);
    },

    async releaseHold(context, id) {
      const suspended = await db.$transaction(async (transaction) => {
        const tx = transaction as Database;
        const count = await tx.$executeRaw`
          UPDATE legal_holds SET released_at = clock_timestamp() WHERE id = ${id}::uuid AND released_at IS NULL`;
        if (count === 0) throw new Refusal('not_found', 'There is no such hold, or it has been released.');
        await recordEvent(tx, context, { type: 'hold.released', subject: 'hold', subjectId: id });
        return tx.erasure.findMany({ where: { status: 'suspended' }, select: { id: true } });
      });
      for (const erasure of suspended) await resumeErasure(db, context, erasure.id);
      announce({ told: suspended.length > 0 });
    },
  };
}

/** It looks again what is still held. */
export const resumeErasure = (db: Database, context: CommandContext, id: string) =>
  changeErasure(db, context, id, ({ status }) =>
    status === 'suspended' ? { data: { status: 'erasing' }, event: 'erasure.resumed' } : null,
  );

/** Before it looks whether there is something to hold: whoever erases shuts new holds out (`shutOutNewHolds`). */
const waitForErasers = (tx: Database) => tx.$executeRaw`LOCK TABLE legal_holds IN ROW EXCLUSIVE MODE`;

async function assertThere(tx: Database, draftId: string): Promise<void> {
  const draft = await tx.draft.findUnique({ where: { id: draftId }, select: { status: true } });
  if (!draft) throw new Refusal('not_found', 'There is no such draft.');
  if (draft.status === 'erased') throw new Refusal('erased', 'This draft has been erased: nothing is left to hold.');
}

export function toView(hold: {
  id: string;
  draftId: string | null;
  reason: string;
  until: Date | null;
  createdAt: Date;
  releasedAt: Date | null;
}): HoldView {
  return {
    id: hold.id,
    kind: hold.draftId === null ? 'person' : 'draft',
    draftId: hold.draftId,
    reason: hold.reason,
    until: hold.until?.toISOString() ?? null,
    createdAt: hold.createdAt.toISOString(),
    releasedAt: hold.releasedAt?.toISOString() ?? null,
  };
}

/** Of a person, in force now. */
export const HOLDS_PERSON = (hashes: readonly Uint8Array[]) => Prisma.sql`
  SELECT 1 FROM legal_holds h WHERE h.released_at IS NULL AND (h.until IS NULL OR h.until > clock_timestamp())
    AND h.subject_hashes && ${hashes}`;
