// Retention as an admin asks for it: a look at what would go, or a run.
import { uuidv7 } from 'uuidv7';
import { Prisma } from '../../prisma/client';
import { DRAFT_RETENTION, openCleanup } from '../draft-retention/cleanups';
import { countOldDrafts, type OldDrafts } from '../draft-retention/old-drafts';
import { writeMessage } from '../outbox/outbox';
import type { CommandContext, CommandDependencies } from './context';
import { Refusal } from './refusal';

export interface RetentionCommands {
  /** Counts what `startCleanup` would erase; changes nothing. */
  previewCleanup(input: { olderThanDays: number }): Promise<OldDrafts>;
  /** One at a time. @returns the run's id */
  startCleanup(context: CommandContext, input: { olderThanDays: number }): Promise<string>;
}

export function createRetentionCommands({
  db,
  announce,
}: Pick<CommandDependencies, 'db' | 'announce'>): RetentionCommands {
  return {
    previewCleanup: ({ olderThanDays }) =>
      countOldDrafts(db, Prisma.sql`clock_timestamp() - make_interval(secs => ${olderThanDays}::float8 * 86400)`),

    async startCleanup(context, { olderThanDays }) {
      const id = uuidv7();
      await db.$transaction(async (transaction) => {
        const tx = transaction as typeof db;
        const run = { id, days: olderThanDays, requestedBy: context.actor.id };
        if (!(await openCleanup(tx, context, run)))
          throw new Refusal('cleanup_running', 'A cleanup is running; GET /api/gdpr/cleanups shows it.');
        const { generation } = await tx.instance.findUniqueOrThrow({ where: { id: 1 } });
        const state = { generation, version: 1, status: 'running' };
        await writeMessage(tx, { process: DRAFT_RETENTION, entityId: id, state });
      });
      announce({ told: true });
      return id;
    },
  };
}
