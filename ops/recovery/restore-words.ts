// What a restore is about to do, and what it has done, in words.
import type { RestoreResult } from '../../workflows/contracts/restore';
import { bytes, duration } from './amounts';
import { because } from './follow';
import { describeTime } from './local-time';
import type { Run } from './runs';

/** Both ways: a person thinks in one, the log in the other. */
const bothWays = (utc: string) => `${describeTime(utc)} (${utc})`;

export function describeRestore(result: RestoreResult | null): string[] {
  if (!result) return [];
  const { plan, recoveredTo, cluster, previous, parked, journalComplete } = result;
  const target = plan.restorePoint
    ? `restore point ${plan.restorePoint}`
    : plan.time
      ? bothWays(plan.time)
      : plan.to === 'end'
        ? 'the end of all that was archived'
        : 'the end of the set';
  return [
    `from        set ${plan.setId}, timeline ${plan.timeline}`,
    `to          ${target}`,
    ...(recoveredTo ? [`recovered   up to the transaction of ${bothWays(recoveredTo)}`] : []),
    `size        ${bytes(plan.size)}; ${bytes(plan.free)} free`,
    ...(cluster ? [`cluster     ${cluster}${previous ? `; ${previous} is kept for --undo` : ''}`] : []),
    ...(parked > 0
      ? [`parked      ${parked} drafts that the send journal names: ops/restore.sh --lost tells more`]
      : []),
    ...(journalComplete ? [] : ['journal     may miss what was sent last: drafts that were due then are parked']),
  ];
}

export function describeEnd(
  restoreId: string,
  { status, result, problem, startedAt, finishedAt }: Run<string, RestoreResult>,
): string {
  const took = finishedAt ? ` after ${duration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)}` : '';
  if (status !== 'done') {
    return `Restore ${restoreId} is ${status}${took}${because(problem)}`;
  }
  const isSwitched = Boolean(result?.cluster);
  return [
    `Restore ${restoreId} is done${took}.`,
    ...describeRestore(result),
    ...(isSwitched ? ['No mail leaves until you have looked at what was lost: ops/restore.sh --lost'] : []),
  ].join('\n');
}
