// What the routes of backups, restores and drills share: who can carry them out, how Temporal is reached, what is written
// down. All of it works while PostgreSQL is away; then the log alone knows who asked.
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { CommandContext } from '../activities/commands/context';
import { isToolWorkerThere, NO_TOOLS } from '../ops/recovery/tool-workers';
import { ObjectStoreError } from '../ops/runtime/object-store';
import type { AppDependencies } from './dependencies';
import { Problem, problemOf } from './problems';

const KEPT_MS = 3_000;
const WRITTEN_WITHIN_MS = 2_000;

interface Entry {
  type: string;
  subject: 'backup' | 'restore' | 'drill' | 'rollback';
  subjectId?: string;
  data?: Record<string, unknown>;
}

export function createRecovery({
  temporal,
  commands,
  logger,
}: Pick<AppDependencies, 'temporal' | 'commands' | 'logger'>) {
  let kept: { there: Promise<boolean>; until: number } | null = null;

  /** Throws the problem where nobody could carry it out. */
  async function requireTools(): Promise<void> {
    if (!kept || kept.until <= Date.now()) kept = { there: isToolWorkerThere(temporal), until: Date.now() + KEPT_MS };
    const { there } = kept;
    if (!(await reach(() => there))) {
      throw new Problem('backups-unavailable', NO_TOOLS, { headers: { 'Retry-After': '30' } });
    }
  }

  async function record(context: CommandContext, entry: Entry): Promise<void> {
    const { requestId } = context;
    const waiting = new AbortController();
    const tooLong = delay(WRITTEN_WITHIN_MS, undefined, { signal: waiting.signal }).then(
      () => Promise.reject(new Problem('database-busy', 'The database did not answer in time.')),
      () => {},
    );
    try {
      await Promise.race([commands.recordEvent(context, entry), tooLong]);
    } catch (err) {
      if (!['database-unavailable', 'database-busy', 'took-too-long'].includes(problemOf(err).code)) throw err;
      logger.warn(
        { err, requestId, event: entry.type, actor: context.actor.id, ...entry.data },
        'The database is away: this is not in the audit trail',
      );
    } finally {
      waiting.abort();
    }
  }

  return {
    requireTools,
    /** Does it, and writes down that it was asked for; or why it was refused. */
    async act<T>(
      context: CommandContext,
      entry: Entry,
      act: () => Promise<T>,
      told?: (done: T) => Partial<Entry>,
    ): Promise<T> {
      let done: T;
      try {
        done = await reach(act);
      } catch (error) {
        if (error instanceof Problem) {
          const { subject, subjectId, data, type } = entry;
          const refused = { type: `${subject}.refused`, subject, ...(subjectId ? { subjectId } : {}) };
          await record(context, {
            ...refused,
            data: { ...data, act: type.slice(subject.length + 1), code: error.code },
          });
        }
        throw error;
      }
      await record(context, { ...entry, ...told?.(done) });
      return done;
    },
    reach,
  };
}

export type Recovery = ReturnType<typeof createRecovery>;

/** What Temporal is asked. */
export async function reach<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    if (cause instanceof WorkflowNotFoundError)
      throw new Problem('wrong-state', 'It does not run any more.', { cause });
    throw new Problem('processes-unavailable', 'Temporal does not answer; try again.', {
      headers: { 'Retry-After': '1' },
      cause,
    });
  }
}

/** What the store below BACKUP_URL is asked. */
export async function readStore<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof ObjectStoreError)) throw cause;
    throw new Problem('backups-unavailable', 'The store under BACKUP_URL does not answer.', {
      headers: { 'Retry-After': '10' },
      cause,
    });
  }
}
