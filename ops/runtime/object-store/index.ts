// Where bytes lie that are too large for a row: attachments, the send journal, later backups. A folder or S3.
import type { StoreService } from '../../../workflows/contracts/services';
import { parseUrl } from '../parse-url';
import { openFileStore } from './file-store';
import { nameStore } from './named-store';
import type { ObjectStore } from './object-store';
import { openS3Store } from './s3-store';

export { nullIfNoObject, ObjectNotFound, ObjectStoreError } from './errors';
export type { ObjectStore } from './object-store';

/**
 * @param url `file:///folder` or `s3://bucket/prefix`
 * @param service which store it is, for whoever has to say what failed
 */
export function openObjectStore(url: string, service?: StoreService): ObjectStore {
  const store = open(url);
  return service ? nameStore(store, service) : store;
}

function open(url: string): ObjectStore {
  const store = parseUrl(url);
  if (store?.protocol === 'file:') return openFileStore(store);
  if (store?.protocol === 's3:') return openS3Store(store);
  throw new TypeError('An object store is file:///folder or s3://bucket/prefix');
}
