// Lists the migrations of this release.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from './package-root';

/** Returns their names, the oldest first. */
export const knownMigrations = (root = PACKAGE_ROOT): string[] =>
  readdirSync(join(root, 'prisma', 'migrations'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
