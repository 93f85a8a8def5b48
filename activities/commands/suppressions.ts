// The addresses that get no mail: added and removed by an admin, and by whoever unsubscribes.
import type { Database } from '../../prisma/client';
import { Prisma } from '../../prisma/client';
import { createSubjects } from '../personal-data/subject';
import { insertSuppression, type NewSuppression, type SuppressionKind } from '../personal-data/suppress';
import { createUnsubscribeTokens } from '../personal-data/unsubscribe-token';
import { recordEvent } from './audit';
import { type CommandContext, type CommandDependencies, SYSTEM } from './context';
import { Refusal } from './refusal';

export function createSuppressionCommands({ db, settings }: Pick<CommandDependencies, 'db' | 'settings'>) {
  const subjects = createSubjects(settings.SECRET_KEY);
  const tokens = createUnsubscribeTokens(settings.SECRET_KEY);

  const add = (context: CommandContext, one: NewSuppression) =>
    db.$transaction(async (tx) => {
      const result = await insertSuppression(tx, { ...one, createdBy: context.actor.id });
      if (result.added) await record(tx as Database, context, 'suppression.added', result.suppression);
      return result;
    });

  return {
    addSuppression: (context: CommandContext, { email, reason }: { email: string; reason: string }) =>
      add(context, { kind: 'manual', hashes: subjects.hashesOf(email), email, reason }),

    async removeSuppression(context: CommandContext, which: { id: string } | { email: string }): Promise<void> {
      const wanted =
        'id' in which
          ? Prisma.sql`s.id = ${which.id}::uuid`
          : Prisma.sql`EXISTS (SELECT 1 FROM suppressed_hashes h
              WHERE h.suppression_id = s.id AND h.hash = ANY (${subjects.hashesOf(which.email)}::bytea[]))`;
      await db.$transaction(async (tx) => {
        const found = await tx.$queryRaw<{ id: string; kind: SuppressionKind }[]>`
          SELECT id, kind FROM suppressions s WHERE ${wanted} ORDER BY id FOR UPDATE`;
        if (found.length === 0) throw new Refusal('not_found', 'There is no such suppression.');
        if (found.some(({ kind }) => kind === 'erased')) {
          throw new Refusal(
            'erased_person',
            'This person has been erased: the suppression is what keeps mail from them, and stays.',
          );
        }
        for (const one of found) {
          await tx.suppression.delete({ where: { id: one.id } });
          await record(tx as Database, context, 'suppression.removed', one);
        }
      });
    },

    /** Whoever holds the token is its recipient; nobody else is known. */
    async unsubscribe({ requestId }: Pick<CommandContext, 'requestId'>, token: string): Promise<void> {
      await add({ actor: SYSTEM, requestId }, { kind: 'unsubscribed', hashes: [hashIn(token)] });
    },

    assertUnsubscribeToken: (token: string) => void hashIn(token),
  };

  function hashIn(token: string): Uint8Array {
    const hash = tokens.hashIn(token);
    if (!hash) throw new Refusal('not_found', 'This link to unsubscribe is none of ours, or has become too old.');
    return hash;
  }
}

const record = (
  tx: Database,
  context: CommandContext,
  type: 'suppression.added' | 'suppression.removed',
  { id, kind }: { id: string; kind: SuppressionKind },
) => recordEvent(tx, context, { type, subject: 'suppression', subjectId: id, data: { kind } });
