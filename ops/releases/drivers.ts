// Opens the driver that the settings name.
import { type Configuration, ConfigurationError } from '../runtime/configuration';
import { PACKAGE_ROOT } from '../runtime/package-root';
import type { ReleaseDriver } from './driver';
import { createKubernetesDriver } from './kubernetes/driver';
import { createProcessDriver } from './process/driver';

export type DriverSettings = Pick<Configuration, 'RELEASES_DRIVER' | 'RELEASES_FOLDER'>;

/** Returns null if releases are not managed here. Throws ConfigurationError. */
export function openDriver({ RELEASES_DRIVER, RELEASES_FOLDER }: DriverSettings): ReleaseDriver | null {
  if (RELEASES_DRIVER === undefined) return null;
  if (RELEASES_DRIVER === 'kubernetes') return createKubernetesDriver();
  if (!RELEASES_FOLDER)
    throw new ConfigurationError('RELEASES_FOLDER is required: the folder that holds the releases.');
  return createProcessDriver({ folder: RELEASES_FOLDER, root: PACKAGE_ROOT });
}
