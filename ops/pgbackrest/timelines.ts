// The log across timelines: where each branches off, and what is missing between two backups that lie on different ones.
import { type Archive, findGaps, numberAt, numberOf, segmentName, timelineOf } from './archive';
import type { PgBackRest } from './pgbackrest';
import { STANZA } from './repository';

export interface Branch {
  timeline: number;
  parent: number;
  /** The number of its first segment, which begins with a copy of its parent's. */
  from: number;
}

/** Of the timelines that began after the one of `oldest`, by their own history in the archive. */
export async function readBranches(
  pgbackrest: PgBackRest,
  id: string,
  { timelines }: Pick<Archive, 'timelines'>,
  oldest: string,
  signal?: AbortSignal,
): Promise<Branch[]> {
  const branches: Branch[] = [];
  for (const timeline of timelines.filter((one) => one > timelineOf(oldest))) {
    const file = `archive/${STANZA}/${id}/${segmentName(timeline, 0).slice(0, 8)}.history`;
    const branch = readBranch(timeline, await pgbackrest.run('repo-get', [file], { signal }));
    if (branch) branches.push(branch);
  }
  return branches;
}

/** The last line names the parent and the position at which it was left. */
export function readBranch(timeline: number, history: string): Branch | null {
  const line = history
    .split('\n')
    .map((one) => /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/i.exec(one))
    .findLast(Boolean);
  if (!line) return null;
  return { timeline, parent: Number(line[1]), from: numberAt(line[2] ?? '') };
}

/**
 * What is missing from the oldest segment that is needed to the newest of each timeline. A timeline that was left ends
 * somewhere, and that is no gap. Without a history a branch begins where its first segment is.
 */
export function findMissing(
  segments: readonly { name: string }[],
  branches: readonly Branch[],
  oldest: string,
): string[] {
  const first = timelineOf(oldest);
  const ends = new Map<number, { first: number; last: number }>();
  for (const { name } of segments) {
    const number = numberOf(name);
    if (name >= oldest)
      ends.set(timelineOf(name), { first: ends.get(timelineOf(name))?.first ?? number, last: number });
  }
  const branchOf = (timeline: number) => branches.find((branch) => branch.timeline === timeline);
  const startOf = (timeline: number) =>
    timeline === first ? numberOf(oldest) : (branchOf(timeline)?.from ?? ends.get(timeline)?.first ?? 0);
  const missing: string[] = [];
  const look = (timeline: number, from: number, to: number) =>
    missing.push(...findGaps(segments, segmentName(timeline, from), segmentName(timeline, to)));

  for (const timeline of livingTimelines(first, [...ends.keys()], branches)) {
    const start = startOf(timeline);
    const last = ends.get(timeline)?.last;
    if (last !== undefined || timeline === first) look(timeline, start, last ?? start);
    const before = [...ends.keys()].filter((other) => other < timeline).sort((a, b) => b - a)[0];
    const parent = branchOf(timeline)?.parent ?? before;
    if (timeline === first || parent === undefined || parent < first) continue;
    // Up to where it was left; what came after is nobody's past.
    look(parent, Math.max((ends.get(parent)?.last ?? -1) + 1, startOf(parent)), start - 1);
  }
  return [...new Set(missing)].sort();
}

/** Those with segments, and those that they come from: one may have been left before its first segment was full. */
function livingTimelines(first: number, used: number[], branches: readonly Branch[]): number[] {
  const living = new Set([first, ...used]);
  for (const { timeline, parent } of branches.toSorted((a, b) => b.timeline - a.timeline)) {
    if (living.has(timeline) && parent >= first) living.add(parent);
  }
  return [...living].sort((a, b) => a - b);
}
