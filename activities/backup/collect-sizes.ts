import type { ObjectStore } from '../../ops/runtime/object-store';

/** Bytes by key of all that lies below. */
export async function collectSizes(store: Pick<ObjectStore, 'sizes'>, prefix: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, size } of store.sizes(prefix)) sizes.set(key, size);
  return sizes;
}
