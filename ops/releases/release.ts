// Describes a release: what the build wrote about itself into dist/release.json (ops/build.mjs).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../runtime/package-root';

/** A version, and the name of its folder or image: no path can be made of it. */
export const Version = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/);

const Release = z.object({
  version: Version,
  /** Null if it was not built in a clone. */
  commit: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/)
    .nullable(),
  /** Of its workers, for Temporal. */
  buildId: z.string().regex(/^[0-9A-Za-z][0-9A-Za-z.+_-]{0,99}$/),
  /** SHA-256 of the workflows' bundle. */
  bundleHash: z.string().regex(/^[0-9a-f]{64}$/),
  /** The names of its migrations, the oldest first. */
  migrations: z.array(z.string().regex(/^\d{14}_[a-z0-9_]{1,200}$/)).min(1),
});
export type Release = z.output<typeof Release>;

/** Returns the version that an operator means: `v1.2.3` and `1.2.3` are one. */
export const toVersion = (given: string): string => given.replace(/^v(?=\d)/, '');

/** @param root the release's folder. Throws if it holds no build of a release. */
export const readRelease = (root = PACKAGE_ROOT): Release => parseRelease(readFileSync(releaseFile(root), 'utf8'));

/** Throws if the text is not what a build writes. */
export const parseRelease = (text: string): Release => Release.parse(JSON.parse(text));

export const releaseFile = (root: string): string => join(root, 'dist', 'release.json');
