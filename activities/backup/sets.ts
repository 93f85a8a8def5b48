// All that lies below `sets/`: the sets that exist, and what is left of others.
import { text } from 'node:stream/consumers';
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { type Manifest, ManifestBroken, manifestKey, readManifest, SETS } from './manifest';
import { sideBySide } from './side-by-side';

/**
 * A set whose manifest is not sound as it stands, or was deleted by somebody and can still be read in an older version. It
 * does not exist; but it may be brought back, so what it names stays until it ages out.
 */
export interface Shadow {
  id: string;
  labels: string[];
}

export interface Catalogue {
  /** The oldest first. */
  sets: Manifest[];
  shadows: Shadow[];
  /** Ids of those that never had a manifest: under way, or cut off. */
  unfinished: string[];
}

const LABEL = /\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?/g;
const READS_AT_A_TIME = 8;

type Tools = Pick<RecoveryTools, 'backups' | 'signer'>;

export async function readCatalogue({ backups, signer }: Tools, signal: AbortSignal): Promise<Catalogue> {
  const versions = await readVersions(backups);
  const current = new Set<string>();
  for await (const key of backups.list(SETS)) current.add(key);
  const found: Catalogue = { sets: [], shadows: [], unfinished: [] };
  const sort = async ([id, manifests]: [string, string[]]) => {
    if (manifests.length === 0) return void found.unfinished.push(id);
    const manifest = current.has(manifestKey(id)) ? await readManifest(backups, signer, id).catch(nullIfBroken) : null;
    if (manifest) found.sets.push(manifest);
    else found.shadows.push({ id, labels: await readLabels(backups, id, manifests) });
  };
  await sideBySide(versions, READS_AT_A_TIME, sort, signal);
  found.sets.sort((a, b) => (a.id < b.id ? -1 : 1));
  return found;
}

/** By id, the versions of its manifest. */
async function readVersions(backups: ObjectStore): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for await (const { key, version } of backups.versions(SETS)) {
    const id = /^sets\/(\d{8}T\d{6}Z)\//.exec(key)?.[1];
    if (!id) continue;
    const manifests = found.get(id) ?? [];
    if (key === manifestKey(id)) manifests.push(version);
    found.set(id, manifests);
  }
  return found;
}

async function readLabels(backups: ObjectStore, id: string, versions: string[]): Promise<string[]> {
  const labels: string[] = [];
  for (const version of versions) {
    labels.push(...((await text(await backups.get(manifestKey(id), version))).match(LABEL) ?? []));
  }
  return [...new Set(labels)];
}

function nullIfBroken(error: unknown): null {
  if (error instanceof ManifestBroken) return null;
  throw error;
}
