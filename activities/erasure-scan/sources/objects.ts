// Every object that an object store can still give, in every version.
import { ObjectNotFound, type ObjectStore } from '../../../ops/runtime/object-store';
import type { ScanSource } from '../report';

export interface ObjectFolder {
  /** As places name it. */
  name: string;
  store: ObjectStore;
  prefixes: string[];
}

/** What of BACKUP_URL no retention ages out. */
export const KEPT_BACKUP_PREFIXES = [
  'journal/',
  'audit/',
  'erasure-ledger/',
  'restore-points/',
  'restores/',
  'drills/',
];

export function createObjectsSource(folders: ObjectFolder[]): ScanSource {
  return {
    name: 'objects',
    async *read() {
      for (const { name, store, prefixes } of folders) {
        for (const prefix of prefixes) {
          for await (const { key, version } of store.versions(prefix)) {
            const content = await store.get(key, version).catch(nullIfGone);
            if (content) yield { place: `${name}/${key}@${version}`, chunks: content };
          }
        }
      }
    },
  };
}

/** It was deleted since it was listed. */
function nullIfGone(error: unknown): null {
  if (error instanceof ObjectNotFound) return null;
  throw error;
}
