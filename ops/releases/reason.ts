// Records that an operator asked for a rollback, and why. The reason is free text, so it stays in PostgreSQL.
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { BOOTSTRAP_ADMIN, type CommandContext } from '../../activities/commands/context';
import { recordAct } from '../../activities/commands/service-acts';
import { createDatabase, type Database } from '../../prisma/client';
import { CommandFailed } from '../command';
import { readJson } from '../recovery/settings';
import { PACKAGE_ROOT } from '../runtime/package-root';

const POOL = { DB_POOL_SIZE: 1, DB_POOL_OVERFLOW: 0, DB_POOL_TIMEOUT_SECONDS: 5, DB_POOL_RECYCLE_SECONDS: 60 };

/** Of the notes of operators: what the note is about. */
export const RELEASES = 'releases' as const;

export interface RollbackRequest {
  reason?: string | undefined;
  /** Undefined: the previous release. */
  to?: string | undefined;
}

/** Returns the rollback's id, which is that of the audit event and of the note. */
export async function recordRequest(
  db: Database,
  context: CommandContext,
  { reason, to }: RollbackRequest,
): Promise<string> {
  const id = uuidv7();
  await db.$transaction(async (transaction) => {
    const act = { id, type: 'rollback.requested', subject: 'rollback', subjectId: id, data: { to: to ?? 'previous' } };
    await recordAct(transaction as Database, context, act, { about: RELEASES, reason });
  });
  return id;
}

/** The same at the command line: whoever may run our commands on this machine holds ADMIN_PASSWORD too. */
export async function noteReason(request: RollbackRequest, env = process.env, root = PACKAGE_ROOT): Promise<string> {
  const url = env.DATABASE_URL || readJson(join(root, '.countersign', 'runtime.json')).database;
  if (!url) throw new CommandFailed('no_database', 'DATABASE_URL is not set: a rollback needs the database.');
  const { db, close } = createDatabase({ DATABASE_URL: url, ...POOL });
  try {
    return await recordRequest(db, { actor: BOOTSTRAP_ADMIN, requestId: uuidv7() }, request);
  } catch (error) {
    const { code = 'no code' } = error as { code?: string };
    throw new CommandFailed(
      'database_trouble',
      `The database can't be used (${code}), and a rollback takes it back too: start it, or restore it (ops/restore.sh).`,
    );
  } finally {
    await close();
  }
}
