// Small objects of the store, which anybody may have put there.
import { text } from 'node:stream/consumers';
import { ObjectNotFound, type ObjectStore } from '../../ops/runtime/object-store';

/** Null: it is not there. */
export async function readObject(store: Pick<ObjectStore, 'get'>, key: string): Promise<string | null> {
  try {
    return await text(await store.get(key));
  } catch (error) {
    if (error instanceof ObjectNotFound) return null;
    throw error;
  }
}

/** Null: it is no JSON. */
export function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
