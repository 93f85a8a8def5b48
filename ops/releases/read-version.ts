// Reads the version that an operator names at the command line.
import { WrongUsage } from '../command';
import { toVersion, Version } from './release';

/** Takes `v1.2.3` and `1.2.3`. Throws WrongUsage. */
export function readVersion(given: string): string {
  const version = toVersion(given);
  if (Version.safeParse(version).success) return version;
  throw new WrongUsage(`${given} is not a version: letters, digits and . + -`);
}
