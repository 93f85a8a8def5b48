// Reads every object that an object store can still give, in every version.
import { randomUUID } from 'node:crypto';
import { nullIfNoObject, type ObjectStore } from '../../../ops/runtime/object-store';
import { ATTACHMENTS } from '../../attachments';
import type { ScanSource } from '../report';

export interface ObjectFolder {
  /** As places name it. */
  name: string;
  store: ObjectStore;
  prefixes: string[];
}

const DECOYS = 'scan-decoys/';

/** What of BACKUP_URL no retention ages out. */
export const KEPT_BACKUP_PREFIXES = [
  'journal/',
  'audit/',
  'erasure-ledger/',
  'restore-points/',
  'restores/',
  'adoptions/',
  'store.json',
  'drills/',
  'archiving/',
];

export function createObjectsSource(folders: ObjectFolder[]): ScanSource {
  return {
    name: 'objects',
    async plant(decoy) {
      const planted = folders.map((folder) => ({ ...folder, key: `${DECOYS}${randomUUID()}` }));
      for (const { store, key } of planted) {
        // A scan that was cut off leaves its decoys behind.
        for await (const old of store.list(DECOYS)) await store.delete(old);
        await store.put(key, Buffer.from(`to ${decoy}`), { type: 'text/plain' });
      }
      return {
        places: new Map(planted.map(({ name, key }) => [`${name}/${key}`, 1])),
        items: planted.length,
        async remove() {
          for (const { store, key } of planted) await store.delete(key);
        },
      };
    },
    async *read() {
      for (const { name, store, prefixes } of folders) {
        for (const prefix of withDecoys(prefixes)) {
          for await (const { key, version } of store.versions(prefix)) {
            // Null: it was deleted since it was listed.
            const content = await store.get(key, version).catch(nullIfNoObject);
            const place = key.startsWith(DECOYS) ? `${name}/${key}` : `${name}/${key}?versionId=${version}`;
            if (content) yield { place, chunks: content, isWritten: key.startsWith(ATTACHMENTS) };
          }
        }
      }
    },
  };
}

const withDecoys = (prefixes: string[]) => (prefixes.includes('') ? prefixes : [...prefixes, DECOYS]);
