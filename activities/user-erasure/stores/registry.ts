// Every store that may hold personal data, in the order in which an erasure goes through them.
import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import type { Configuration } from '../../../ops/runtime/configuration';
import type { ObjectStore } from '../../../ops/runtime/object-store';
import type { Database } from '../../../prisma/client';
import type { PreviewEntry } from '../erasure-record';
import { createPostgresStore } from './postgres';
import type { Person, PersonalDataStore } from './store';
import { createTemporalStore } from './temporal';

export interface StoresDependencies {
  db: Database;
  files: ObjectStore;
  redis: Redis | null;
  temporal: Client;
  settings: Pick<Configuration, 'APPROVAL_DEADLINE_HOURS' | 'HUBSPOT_ACCESS_TOKEN' | 'HUBSPOT_BASE_URL'>;
}

export function createStores({ db, files, temporal, settings }: StoresDependencies): PersonalDataStore[] {
  return [
    createPostgresStore({ db, files, deadlineHours: settings.APPROVAL_DEADLINE_HOURS }),
    createTemporalStore({ db, temporal }),
  ];
}

export const previewStores = (stores: readonly PersonalDataStore[], person: Person): Promise<PreviewEntry[]> =>
  Promise.all(stores.map(async (store) => ({ store: store.name, ...(await store.preview(person)) })));
