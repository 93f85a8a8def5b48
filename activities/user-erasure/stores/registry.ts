// Every store that may hold personal data, in the order in which an erasure goes through them.
import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import type { Configuration } from '../../../ops/runtime/configuration';
import type { ObjectStore } from '../../../ops/runtime/object-store';
import type { Database } from '../../../prisma/client';
import type { MentionIndex } from '../../mention-index';
import type { Matcher } from '../../personal-data/matching/matcher';
import type { PreviewEntry } from '../erasure-record';
import { createAttachmentsStore } from './attachments';
import { createHubspotStore } from './hubspot';
import { keptWhileHeld } from './kept-while-held';
import { createMailboxStore } from './mailbox';
import { createPostgresStore } from './postgres';
import { createRedisStore } from './redis';
import { NOTHING, type Person, type PersonalDataStore } from './store';
import { createTemporalStore } from './temporal';

export interface StoresDependencies {
  db: Database;
  files: ObjectStore;
  redis: Redis | null;
  temporal: Client;
  settings: Pick<
    Configuration,
    'APPROVAL_DEADLINE_HOURS' | 'HUBSPOT_ACCESS_TOKEN' | 'HUBSPOT_BASE_URL' | 'MAILBOX_PATH'
  >;
  /** Searches content away from the event loop. */
  matcher: Matcher;
  index: Pick<MentionIndex, 'catchUp'>;
}

export function createStores({
  db,
  files,
  redis,
  temporal,
  settings,
  matcher,
  index,
}: StoresDependencies): PersonalDataStore[] {
  return [
    createPostgresStore({ db, files, matcher, index, deadlineHours: settings.APPROVAL_DEADLINE_HOURS }),
    createAttachmentsStore({ db, files, matcher, index }),
    createRedisStore(redis, matcher),
    createHubspotStore(db, settings),
    createMailboxStore(settings.MAILBOX_PATH, matcher),
    createTemporalStore({ db, temporal, index }),
  ].map((store) => keptWhileHeld(db, store));
}

/** A store that is away now is gone through later: it holds up no request. */
export const previewStores = (stores: readonly PersonalDataStore[], person: Person): Promise<PreviewEntry[]> =>
  Promise.all(
    stores.map(async (store) => {
      const counts = await store.preview(person).catch((error: unknown) => {
        if (store.name === 'postgres') throw error;
        return { ...NOTHING, ground: 'unavailable' as const };
      });
      return { store: store.name, ...counts };
    }),
  );
