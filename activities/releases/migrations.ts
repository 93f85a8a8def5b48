// Takes the schema to a release, and back, by the program of the release that knows the migrations.
import { ApplicationFailure } from '@temporalio/common';
import type { ReleaseDriver } from '../../ops/releases/driver';
import type { ReleaseDetails, ReleaseName } from '../../workflows/contracts/releases';
import { readUndone } from './losses';
import { fail } from './refusals';

/** A migration that fails will fail again; an undo has nothing better to try. */
export async function migrateUp(
  driver: ReleaseDriver,
  { version }: ReleaseName,
  { signal, isUndo = false }: { signal: AbortSignal; isUndo?: boolean | undefined },
): Promise<void> {
  const { code } = await driver.run({ version, program: 'migrate', signal });
  if (code === 0) return;
  // PostgreSQL's own message may quote a row.
  const message = `The migration to ${version} ended with ${code}: run \`npm run migrate\` in its folder to see why.`;
  throw isUndo ? ApplicationFailure.retryable(message, 'migration_failed') : fail('migration_failed', message);
}

/** A table that is in use is tried again. A repeat finds nothing to undo. */
export async function migrateDown(
  driver: ReleaseDriver,
  { from, to }: { from: ReleaseDetails; to: ReleaseDetails },
  signal: AbortSignal,
): Promise<void> {
  const args = [to.lastMigration, '--json'];
  const { code, stdout } = await driver.run({ version: from.version, program: 'migrate:down', args, signal });
  const told = readUndone(code, stdout);
  if ('undone' in told) return;
  if (told.isLasting) throw fail('cannot_undo', told.problem);
  throw ApplicationFailure.retryable(told.problem, 'migrate_down_failed');
}
