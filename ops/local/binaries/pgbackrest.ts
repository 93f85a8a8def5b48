// pgBackRest, which makes PostgreSQL's backups: from the PATH, else by apt on Debian and Ubuntu.
import { findOrInstall } from './apt';
import type { OnProgress } from './programs';

/** @returns null where it is missing and can't be installed: backups are off then */
export const findPgBackRest = (onProgress?: OnProgress): Promise<string | null> =>
  findOrInstall({ program: 'pgbackrest', packageName: 'pgbackrest', title: 'pgBackRest' }, onProgress);

export const HOW_TO_GET_IT =
  'install pgBackRest (Debian, Ubuntu: apt install pgbackrest; others: https://pgbackrest.org), then start again';
