// Sessions of a browser: opened with a key, ended by a logout, with the key, or by time.
import { createHash, randomBytes } from 'node:crypto';
import type { Database } from '../../prisma/client';
import { recordEvent } from './audit';
import type { CommandContext } from './context';

const LASTS_MS = 12 * 3_600_000;

/** A token has 256 random bits, so a plain hash keeps it. */
export const hashToken = (token: string) => Uint8Array.from(createHash('sha256').update(token).digest());

export interface SessionCommands {
  /** `token` is the cookie's; it is kept nowhere. */
  openSession(context: CommandContext, keyId: string): Promise<{ token: string; expiresAt: Date }>;
  endSession(context: CommandContext, token: string): Promise<void>;
}

export function createSessionCommands(db: Database): SessionCommands {
  return {
    async openSession(context, keyId) {
      const token = randomBytes(32).toString('base64url');
      const now = new Date();
      const expiresAt = new Date(now.getTime() + LASTS_MS);
      await db.$transaction(async (tx) => {
        await tx.session.deleteMany({ where: { keyId, expiresAt: { lt: now } } });
        await tx.session.create({ data: { hash: hashToken(token), keyId, createdAt: now, expiresAt } });
        await recordEvent(tx as Database, context, { type: 'session.opened', subject: 'key', subjectId: keyId });
      });
      return { token, expiresAt };
    },

    async endSession(context, token) {
      const hash = hashToken(token);
      await db.$transaction(async (tx) => {
        const session = await tx.session.findUnique({ where: { hash } });
        if (!session) return;
        await tx.session.deleteMany({ where: { hash } });
        await recordEvent(tx as Database, context, { type: 'session.ended', subject: 'key', subjectId: session.keyId });
      });
    },
  };
}
