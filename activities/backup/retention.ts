// Which sets stay: those within the retention, never fewer than the last two full ones and the last of each part, and
// whatever an incremental backup among them is made of.
import type { RepositoryBackup } from '../../ops/pgbackrest/info';
import { BACKUP_PARTS } from '../../workflows/contracts/backup';
import type { Manifest } from './manifest';

export type KnownSet = Pick<Manifest, 'id' | 'kind' | 'redis' | 'files' | 'provider'> & {
  postgres: { label: string } | null;
};
type Backup = Pick<RepositoryBackup, 'label' | 'prior' | 'reference'>;

const FULL_SETS = 2;

export const timeOfSet = (id: string) =>
  new Date(id.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

/** @param sets the oldest first
 *  @param before what began earlier may go */
export function chooseKept<S extends KnownSet>(sets: readonly S[], backups: readonly Backup[], before: Date): S[] {
  const newest = sets.toReversed();
  const kept = new Set<S>([
    ...sets.filter(({ id }) => timeOfSet(id) >= before),
    ...newest.filter(({ kind, postgres, provider }) => kind === 'full' && (postgres || provider)).slice(0, FULL_SETS),
    ...BACKUP_PARTS.flatMap((part) => newest.find((set) => set[part]) ?? []),
  ]);
  const needed = withBases(
    [...kept].flatMap(({ postgres }) => postgres?.label ?? []),
    backups,
  );
  return sets.filter((set) => kept.has(set) || (set.postgres && needed.has(set.postgres.label)));
}

/** These labels and all that they are made of, down to their full backups. */
export function withBases(labels: readonly string[], backups: readonly Backup[]): Set<string> {
  const byLabel = new Map(backups.map((backup) => [backup.label, backup]));
  const needed = new Set<string>();
  const need = (label: string) => {
    if (needed.has(label)) return;
    needed.add(label);
    const { prior = null, reference = null } = byLabel.get(label) ?? {};
    for (const base of [...(prior ? [prior] : []), ...(reference ?? [])]) need(base);
  };
  for (const label of labels) need(label);
  return needed;
}
