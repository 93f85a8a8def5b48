// The stanza is made where there never was one. One that is gone is no new one: its objects may be brought back.
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type RepositoryInfo, RepositoryTrouble, readRepository } from './info';
import type { PgBackRest } from './pgbackrest';

/** pgBackRest's codes of a repository that is empty. */
const NOTHING_THERE = [1, 2, 3];

export class RepositoryMissing extends Error {
  override name = 'RepositoryMissing';
  readonly code = 'repository_missing';
}

/** Says on this host that there was one. */
const markIn = (pgbackrest: PgBackRest) => join(dirname(pgbackrest.configFile), 'stanza-was-made');

/** @param hasSets whether backups name the repository */
export async function openStanza(
  pgbackrest: PgBackRest,
  hasSets: () => Promise<boolean>,
  signal?: AbortSignal,
): Promise<RepositoryInfo> {
  const mark = markIn(pgbackrest);
  const info = await readRepository(pgbackrest, signal).catch(async (error) => {
    if (!(error instanceof RepositoryTrouble) || !NOTHING_THERE.includes(error.code)) throw error;
    if (existsSync(mark) || (await hasSets())) {
      throw new RepositoryMissing(`The repository was there and is gone: bring its objects back, or remove ${mark}`);
    }
    await pgbackrest.run('stanza-create', [], { signal });
    return readRepository(pgbackrest, signal);
  });
  if (!existsSync(mark)) writeFileSync(mark, '', { mode: 0o600 });
  return info;
}

/** Where the log of the cluster lies that the stanza knows last, for instance `15-1`. */
export function archiveId({ db }: RepositoryInfo): string | null {
  const newest = [...db].sort((a, b) => a.id - b.id).at(-1);
  return newest ? `${newest.version}-${newest.id}` : null;
}
