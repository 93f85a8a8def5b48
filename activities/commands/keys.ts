// API keys: made, shown once, ended.
import { createHash, randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { Prisma } from '../../prisma/client';
import { recordEvent } from './audit';
import type { CommandContext, CommandDependencies } from './context';
import type { KeyInput } from './index';
import { hashOfLook } from './name-look';
import { Refusal } from './refusal';
import { auditRefusals } from './refusals';

/** A key has 256 random bits, so a plain hash keeps it; it stays valid when SECRET_KEY rotates. */
export const hashKey = (key: string) => Uint8Array.from(createHash('sha256').update(key).digest());

/** Two principals with one look could approve each other's drafts though they are one person. */
function refuseLookAlike(error: unknown): never {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002')) throw error;
  throw new Refusal('invalid', 'The name could be taken for another.', [
    {
      path: 'name',
      message: 'looks like the name of another principal: use exactly that name (GET /api/keys), or a different one',
    },
  ]);
}

const AT_ONCE = 500;

/** Fills in the looks of principals that were made, or renamed by an erasure, without one. */
async function noteLooks(db: CommandDependencies['db']): Promise<void> {
  for (;;) {
    const some = await db.principal.findMany({
      where: { look: null },
      select: { id: true, name: true },
      take: AT_ONCE,
    });
    for (const { id, name } of some) {
      const note = (look: Uint8Array<ArrayBuffer>) =>
        db.principal.updateMany({ where: { id, look: null }, data: { look } });
      // Of two that look alike already, the later one is told apart by its id.
      await note(hashOfLook(name)).catch(() => note(hashOfLook(`${name} ${id}`)));
    }
    if (some.length < AT_ONCE) return;
  }
}

export function createKeyCommands({ db }: Pick<CommandDependencies, 'db'>) {
  return {
    async createKey(context: CommandContext, { name, email, roles, groups = [] }: KeyInput) {
      const key = `cs_${randomBytes(32).toString('base64url')}`;
      await noteLooks(db);
      const { id, createdAt } = await db.$transaction(async (tx) => {
        const principal = await tx.principal
          .upsert({
            where: { name },
            create: { id: uuidv7(), name, look: hashOfLook(name), email: email ?? null },
            // Only with something to write is it one statement, which nobody else who makes this name can come between.
            update: { name, ...(email === undefined ? {} : { email }) },
          })
          .catch(refuseLookAlike);
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
