// API keys: made, shown once, ended.
import { createHash, randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { auditRefusals, recordEvent } from './audit';
import type { CommandContext, CommandDependencies } from './context';
import type { KeyInput } from './index';
import { Refusal } from './refusal';

/** A key has 256 random bits, so a plain hash keeps it; it stays valid when SECRET_KEY rotates. */
export const hashKey = (key: string) => Uint8Array.from(createHash('sha256').update(key).digest());

export function createKeyCommands({ db }: Pick<CommandDependencies, 'db'>) {
  return {
    async createKey(context: CommandContext, { name, email, roles, groups = [] }: KeyInput) {
      const key = `cs_${randomBytes(32).toString('base64url')}`;
      const { id, createdAt } = await db.$transaction(async (tx) => {
        const principal = await tx.principal.upsert({
          where: { name },
          create: { id: uuidv7(), name, email: email ?? null },
          // Only with something to write is it one statement, which nobody else who makes this name can come between.
          update: { name, ...(email === undefined ? {} : { email }) },
        });
        const made = await tx.apiKey.create({
          data: { id: uuidv7(), principalId: principal.id, hash: hashKey(key), roles, groups },
        });
        await recordEvent(tx as typeof db, context, {
          type: 'key.created',
          subject: 'key',
          subjectId: made.id,
          data: { roles },
        });
        return made;
      });
      return { id, name, roles, key, createdAt: createdAt.toISOString() };
    },

    endKey: (context: CommandContext, id: string): Promise<void> =>
      auditRefusals(db, context, { subject: 'key', subjectId: id }, () =>
        db.$transaction(async (tx) => {
          const { count } = await tx.apiKey.updateMany({ where: { id, endedAt: null }, data: { endedAt: new Date() } });
          if (count === 0) throw new Refusal('not_found', 'There is no such key, or it has ended.');
          await tx.session.deleteMany({ where: { keyId: id } });
          await recordEvent(tx as typeof db, context, { type: 'key.ended', subject: 'key', subjectId: id });
        }),
      ),
  };
}
