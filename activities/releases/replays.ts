// Asks a release whether it can continue every open run.
import { ApplicationFailure } from '@temporalio/common';
import { EXIT } from '../../ops/recovery/exit';
import type { ReplayReport } from '../../ops/releases/replay';
import type { ReleaseDependencies } from './dependencies';
import { refuse } from './refusals';

const NAMED = 3;

/** Replays every open history with the target's own code. @returns how many there are, by type */
export async function replayOpen(
  { driver }: ReleaseDependencies,
  { version }: { version: string },
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const { code, stdout } = await driver.run({ version, program: 'replay', signal });
  if (code !== EXIT.done && code !== EXIT.refused) {
    throw ApplicationFailure.retryable(`The replay of open runs with ${version} ended with ${code}`, 'replay_failed');
  }
  const { open, failures, failed }: ReplayReport = JSON.parse(stdout);
  if (failed === 0) return open;
  const named = failures.slice(0, NAMED).map(({ workflowId, workflowType }) => `${workflowType} ${workflowId}`);
  throw refuse(
    'cannot_replay',
    `${version} can't continue ${failed} open run(s): ${named.join(', ')}. Wait until they have ended, or terminate them.`,
  );
}
