// The sets that there are, as their manifests tell.

import { listSets, type Manifest, ManifestBroken, readManifest } from '../../activities/backup/manifest';
import type { BackupKind, BackupPart } from '../../workflows/contracts/backup';
import type { ObjectStore } from '../runtime/object-store';
import type { Signer } from '../runtime/signing';

export interface BackupSet {
  id: string;
  kind: BackupKind;
  parts: BackupPart[];
  startedAt: string;
  finishedAt: string;
  /** Bytes: of what was backed up. */
  size: number;
  /** Bytes that are kept for the database and Redis, much of it for other sets too. Files are kept once for all. */
  stored: number;
}

/** One whose manifest can't be trusted counts as none, and is shown all the same. */
export interface BrokenSet {
  id: string;
  broken: ManifestBroken['reason'];
}

/** Null where there is none. */
export async function readSet(backups: ObjectStore, signer: Signer, id: string): Promise<BackupSet | BrokenSet | null> {
  try {
    const manifest = await readManifest(backups, signer, id);
    return manifest && describe(manifest);
  } catch (error) {
    if (error instanceof ManifestBroken) return { id, broken: error.reason };
    throw error;
  }
}

/** The oldest first. */
export async function readSets(backups: ObjectStore, signer: Signer): Promise<(BackupSet | BrokenSet)[]> {
  const sets: (BackupSet | BrokenSet)[] = [];
  for (const id of (await listSets(backups)).sort()) {
    const set = await readSet(backups, signer, id);
    if (set) sets.push(set);
  }
  return sets;
}

function describe({ id, kind, startedAt, finishedAt, postgres, redis, files }: Manifest): BackupSet {
  const sum = (...sizes: (number | undefined)[]) => sizes.reduce<number>((all, size) => all + (size ?? 0), 0);
  return {
    id,
    kind,
    parts: [
      ...(postgres ? ['postgres' as const] : []),
      ...(redis ? ['redis' as const] : []),
      ...(files ? ['files' as const] : []),
    ],
    startedAt,
    finishedAt,
    size: sum(postgres?.size, redis?.size, files?.bytes),
    stored: sum(postgres?.repositorySize, redis?.size, files?.size),
  };
}
