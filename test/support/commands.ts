// The commands on a test's own database, and people to call them.
import { uuidv7 } from 'uuidv7';
import type { Role } from '../../activities/commands/context';
import { type Actor, type Announcement, BOOTSTRAP_ADMIN, type CommandContext } from '../../activities/commands/context';
import { createCommands } from '../../activities/commands/create-commands';
import type { CommandDependencies, Commands, SubmitInput } from '../../activities/commands/index';
import { Refusal } from '../../activities/commands/refusal';
import type { Database } from '../../prisma/client';

export interface TestCommands {
  commands: Commands;
  /** What the commands have told, in order. */
  announced: Announcement[];
  /** A new principal. */
  person(name: string, ...roles: Role[]): Promise<CommandContext>;
  admin: CommandContext;
}

export const SETTINGS: CommandDependencies['settings'] = {
  UNDO_WINDOW_SECONDS: 0,
  APPROVAL_DEADLINE_HOURS: 72,
  MAIL_FROM: 'outbox@countersign.example',
  SECRET_KEY: [Buffer.alloc(32, 7)],
  ATTACHMENT_QUOTA_MB: 5_000,
};

/** @param hear is told too what the commands tell */
export function createTestCommands(
  db: Database,
  settings: Partial<typeof SETTINGS> = {},
  hear: CommandDependencies['announce'] = () => {},
): TestCommands {
  const announced: Announcement[] = [];
  const commands = createCommands({
    db,
    announce(announcement) {
      announced.push(announcement);
      hear(announcement);
    },
    settings: { ...SETTINGS, ...settings },
  });
  const context = (actor: Actor): CommandContext => ({ actor, requestId: uuidv7() });
  return {
    commands,
    announced,
    admin: context(BOOTSTRAP_ADMIN),
    async person(name, ...roles) {
      const principal = await db.principal.upsert({ where: { name }, create: { id: uuidv7(), name }, update: {} });
      return context({ id: principal.id, name, roles });
    },
  };
}

export const aDraft = (changes: Partial<SubmitInput> = {}): SubmitInput => ({
  to: 'reader@example.org',
  subject: 'The minutes',
  body: 'Here they are.',
  ...changes,
});

/** The code of the refusal that this call must end in. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  throw new Error('Nothing was refused');
}

/** The types of a draft's audit events, in order; refused attempts as `refused:<code>`. */
export async function timeline(db: Database, draftId: string): Promise<string[]> {
  const events = await db.auditEvent.findMany({ where: { subjectId: draftId }, orderBy: { position: 'asc' } });
  return events.map(({ type, data }) =>
    type === 'draft.refused' ? `refused:${(data as { code: string }).code}` : type.replace('draft.', ''),
  );
}

/** Moves a draft's deadline, as only time does. */
export async function moveDeadline(db: Database, draftId: string, offset: string): Promise<void> {
  await db.$executeRawUnsafe(
    `UPDATE drafts SET expires_at = clock_timestamp() + interval '${offset}' WHERE id = '${draftId}'`,
  );
}

/** Puts a draft where only the lane brings it. */
export async function setStatus(db: Database, draftId: string, status: string, outcome: string | null = null) {
  await db.draft.update({
    where: { id: draftId },
    data: {
      status,
      outcome,
      version: { increment: 1 },
      nextAttemptAt: null,
      failureCode: outcome && 'outcome_unknown',
    },
  });
}
