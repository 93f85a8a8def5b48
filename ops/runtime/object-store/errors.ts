import type { StoreService } from '../../../workflows/contracts/services';

export class ObjectNotFound extends Error {
  override name = 'ObjectNotFound';
  constructor() {
    super('There is no such object.');
  }
}

/** For `catch`: an object that is not there is null. */
export function nullIfNoObject(error: unknown): null {
  if (error instanceof ObjectNotFound) return null;
  throw error;
}

/** The store could not do it. Says a code and nothing else: an S3 error may repeat access keys and names. */
export class ObjectStoreError extends Error {
  override name = 'ObjectStoreError';
  /** Which of the stores it was; undefined if whoever opened it did not say. */
  service?: StoreService;
  constructor(readonly code: string) {
    super(`The object store failed: ${code}`);
  }
}
