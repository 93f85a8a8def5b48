// Makes the failures of a store say which of the two stores failed.
import type { StoreService } from '../../../workflows/contracts/services';
import { ObjectStoreError } from './errors';
import type { ObjectStore } from './object-store';

export function nameStore(store: ObjectStore, service: StoreService): ObjectStore {
  const named = (error: unknown): never => {
    if (error instanceof ObjectStoreError) error.service = service;
    throw error;
  };
  async function* naming<T>(items: AsyncIterable<T>): AsyncIterable<T> {
    try {
      yield* items;
    } catch (error) {
      named(error);
    }
  }
  return {
    put: (...call) => store.put(...call).catch(named),
    get: (...call) => store.get(...call).catch(named),
    has: (...call) => store.has(...call).catch(named),
    delete: (...call) => store.delete(...call).catch(named),
    tidy: (...call) => store.tidy(...call).catch(named),
    list: (...call) => naming(store.list(...call)),
    sizes: (...call) => naming(store.sizes(...call)),
    versions: (...call) => naming(store.versions(...call)),
  };
}
