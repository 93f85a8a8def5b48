// Asks the release that made the migrations what undoing them would lose.
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import type { UndoneMigration } from '../../workflows/contracts/rollback';
import type { ReleaseDependencies } from './dependencies';
import { refuse } from './refusals';
import type { Between } from './targets';

/** Exit code of `migrate:down` if it would fail again. */
export const CANNOT_UNDO = 3;

const Undone = z.array(
  z.object({
    migration: z.string(),
    drops: z.array(z.object({ table: z.string(), column: z.string().nullable(), rows: z.number() })),
    deletes: z.array(z.object({ table: z.string(), rows: z.number() })),
  }),
);

/** Undoes them in a transaction that it takes back: the release that made a migration knows how to undo it. */
export async function countLosses(
  { driver }: ReleaseDependencies,
  { from, to }: Between,
  signal: AbortSignal,
): Promise<UndoneMigration[]> {
  if (from.migrations.length === to.migrations.length) return [];
  const args = [to.migrations.at(-1) as string, '--dry-run', '--json'];
  const { code, stdout } = await driver.run({ version: from.version, program: 'migrate:down', args, signal });
  const told = readUndone(code, stdout);
  if ('undone' in told) return told.undone;
  if (code === CANNOT_UNDO) throw refuse('cannot_undo', told.problem);
  throw ApplicationFailure.retryable(told.problem, 'migrate_down_failed');
}

/** Reads what `migrate:down --json` printed. */
export function readUndone(code: number, stdout: string): { undone: UndoneMigration[] } | { problem: string } {
  const Printed = z.object({ undone: Undone.optional(), problem: z.object({ message: z.string() }).optional() });
  try {
    const { undone, problem } = Printed.parse(JSON.parse(stdout));
    if (code === 0 && undone) return { undone };
    if (problem) return { problem: problem.message };
  } catch {
    // Below.
  }
  return { problem: `Undoing the migrations ended with ${code} and said nothing.` };
}
