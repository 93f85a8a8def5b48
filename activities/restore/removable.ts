// Chooses which folders below POSTGRES_HOME may go: clusters that restores made or replaced, old enough, and needed by nobody.
import { timeOfUuid } from '../../ops/runtime/uuids';
import { type LeftClusters, truthName } from './left-clusters';

/** Before the name of a cluster whose removal has begun. */
export const ASIDE = 'removing-';
const FIRST = 'data';
/** Only restores and drills make these names, with a UUIDv7. */
const MADE = /^(?:data|truth)-([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/;
const DAY_MS = 86_400_000;
/** One that no record names may belong to a restore that is being prepared, which has a day to be confirmed. */
const PREPARED_WITHIN_MS = 2 * DAY_MS;

export interface Removable {
  name: string;
  /** Null where no record knows it and its name does not tell. */
  restoreId: string | null;
}

export interface RemovalRequest {
  /** The folders below POSTGRES_HOME. */
  names: readonly string[];
  /** The folder that the pointer names. */
  living: string;
  now: Date;
  days: number;
}

export function chooseRemovable(found: LeftClusters, { names, living, now, days }: RemovalRequest): Removable[] {
  const needed = new Set([living, found.living, ...found.open.flatMap(({ cluster, previous }) => [cluster, previous])]);
  const openIds = found.open.map(({ id }) => id);
  const isDue = (name: string): boolean => {
    const left = found.left.find((one) => one.name === name);
    if (left) return left.goesAt !== null && left.goesAt <= now;
    const id = MADE.exec(name)?.[1];
    if (!id || openIds.includes(id)) return false;
    // What a settled restore was compared with serves no undo.
    if (name === truthName(id) && found.settledIds.includes(id)) return true;
    return now.getTime() - (timeOfUuid(id) as number) >= Math.max(days * DAY_MS, PREPARED_WITHIN_MS);
  };
  return names
    .filter((name) => (name === FIRST || MADE.test(name)) && !needed.has(name) && isDue(name))
    .map((name) => toRemovable(name, found));
}

export const toRemovable = (name: string, { left }: LeftClusters): Removable => ({
  name,
  restoreId: left.find((one) => one.name === name)?.restoreId ?? MADE.exec(name)?.[1] ?? null,
});
