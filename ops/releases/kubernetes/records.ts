// Reads and writes the ConfigMap that says what is to run, and what a release is whose image was asked.
import { z } from 'zod';
import type { Wanted } from '../driver';
import { parseRelease, type Release } from '../release';
import { WantedRecord } from '../wanted';
import type { Kubectl } from './kubectl';
import type { ConfigMap } from './objects';

/** In ops/kubernetes/components/releases: the driver has no right to create one. */
const RECORDS = 'countersign-releases';
const WANTED = 'wanted';
/** One deployment or rollback asks once; the next one asks again, since the image may be gone. */
const FOUND_FOR_MS = 600_000;

const Found = z.object({ at: z.iso.datetime(), release: z.unknown() });

/** Returns null before the first deployment. */
export async function readWanted(kubectl: Kubectl): Promise<Wanted | null> {
  const text = (await read(kubectl))[WANTED];
  return text ? WantedRecord.parse(JSON.parse(text)) : null;
}

export const writeWanted = (kubectl: Kubectl, wanted: Wanted): Promise<void> => write(kubectl, WANTED, wanted);

/** Returns null if the image was not asked within the last ten minutes. */
export async function readFound(kubectl: Kubectl, version: string): Promise<Release | null> {
  const text = (await read(kubectl))[foundKey(version)];
  if (!text) return null;
  const { at, release } = Found.parse(JSON.parse(text));
  return Date.now() - Date.parse(at) < FOUND_FOR_MS ? parseRelease(JSON.stringify(release)) : null;
}

export const writeFound = (kubectl: Kubectl, release: Release): Promise<void> =>
  write(kubectl, foundKey(release.version), { at: new Date().toISOString(), release });

/** A key can't hold a plus sign, and a version no underscore. */
const foundKey = (version: string) => `release.${version.replaceAll('+', '_')}`;

async function read(kubectl: Kubectl): Promise<Record<string, string>> {
  const map = await kubectl.get<ConfigMap>('configmap', RECORDS);
  if (!map) {
    throw new Error(`The ConfigMap ${RECORDS} is missing: apply the overlay with the component "releases" again`);
  }
  return map.data ?? {};
}

/** Each key has a manager of its own, so that no write removes another key. */
const write = (kubectl: Kubectl, key: string, content: unknown): Promise<void> =>
  kubectl.apply(
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: RECORDS },
      data: { [key]: JSON.stringify(content) },
    } as ConfigMap,
    `${RECORDS}.${key}`,
  );
