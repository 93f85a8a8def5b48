// redis-server: from the PATH, else by apt on Debian and Ubuntu.
import { findOrInstall } from './apt';
import type { OnProgress } from './programs';

export type { OnProgress } from './programs';

/** @returns null where it is missing and can't be installed */
export const findRedis = (onProgress?: OnProgress): Promise<string | null> =>
  findOrInstall({ program: 'redis-server', packageName: 'redis-server', title: 'Redis' }, onProgress);
