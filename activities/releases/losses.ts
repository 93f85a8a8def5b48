// Asks the release that made the migrations what undoing them would lose.
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import { EXIT } from '../../ops/recovery/exit';
import type { UndoneMigration } from '../../workflows/contracts/rollback';
import type { ReleaseDependencies } from './dependencies';
import { refuse } from './refusals';
import type { Between } from './targets';

/** The codes of failures that a retry can't cure: the SQL is wrong, or the role may not run it. */
const LASTING = ['down_failed', 'no_right'];

const Undone = z.array(
  z.object({
    migration: z.string(),
    drops: z.array(z.object({ table: z.string(), column: z.string().nullable(), rows: z.number() })),
    deletes: z.array(z.object({ table: z.string(), rows: z.number() })),
  }),
);

const Printed = z.object({
  undone: Undone.optional(),
  problem: z.object({ code: z.string(), message: z.string() }).optional(),
});

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
  if (told.isLasting) throw refuse('cannot_undo', told.problem);
  throw ApplicationFailure.retryable(told.problem, 'migrate_down_failed');
}

export interface NotUndone {
  problem: string;
  /** A repeat would fail with it again. */
  isLasting: boolean;
}

/** Reads what `migrate:down --json` printed. */
export function readUndone(code: number, stdout: string): { undone: UndoneMigration[] } | NotUndone {
  try {
    const { undone, problem } = Printed.parse(JSON.parse(stdout));
    if (code === 0 && undone) return { undone };
    if (problem)
      return { problem: problem.message, isLasting: code === EXIT.refused || LASTING.includes(problem.code) };
  } catch {
    // Below.
  }
  return { problem: `Undoing the migrations ended with ${code} and said nothing.`, isLasting: code === EXIT.refused };
}
