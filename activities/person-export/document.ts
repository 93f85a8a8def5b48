// The document of an export: everything that each store holds about one person, as JSON, piece by piece.
import { TemporalFailure } from '@temporalio/common';
import type { Person, PersonalDataStore } from '../user-erasure/stores/store';
import { piecesOf } from './json';

/** A store that could not tell everything: what it told is not all. */
export class StoreFailed extends Error {
  override name = 'StoreFailed';
  readonly code: string;
  constructor(store: string, cause: unknown) {
    super(`${store} could not tell everything that it holds`, { cause });
    this.code = `${store}_unavailable`;
  }
}

/** @param beforeItem is called before each item of each store; what it throws ends the document */
export function documentOf(
  stores: readonly PersonalDataStore[],
  person: Person,
  beforeItem: () => Promise<void>,
): AsyncIterable<string> {
  async function* items(store: PersonalDataStore): AsyncIterable<unknown> {
    for await (const item of told(store, person)) {
      await beforeItem();
      yield item;
    }
  }
  async function* parts(): AsyncIterable<unknown> {
    for (const store of stores) yield { store: store.name, items: items(store) };
  }
  return piecesOf({ generatedAt: new Date().toISOString(), stores: parts() });
}

/** A failure that says by itself when to try again (HubSpot's) is passed on. */
async function* told(store: PersonalDataStore, person: Person): AsyncIterable<unknown> {
  try {
    for await (const item of store.export(person)) yield item;
  } catch (error) {
    throw error instanceof TemporalFailure ? error : new StoreFailed(store.name, error);
  }
}
