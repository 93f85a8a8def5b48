// Erases a person from HubSpot: deletes the contact with their address for good, with everything attached to it, and takes their
// mentions out of the mails that were logged on others' contacts.
import { domainToUnicode } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import type { Database } from '../../../prisma/client';
import { changeLoggedWords } from '../../crm-sync/changed-words';
import { createHubspotPost, type HubspotAnswer, HubspotFailure } from '../../hubspot/client';
import { NOTHING, type PersonalDataStore } from './store';

const MOST_CONTACTS = 100;
/** Its search learns of a change some seconds later. */
const INDEX_LAG_MS = 10_000;
const PROPERTIES = ['email', 'firstname', 'lastname', 'phone', 'company', 'createdate', 'lastmodifieddate'];

export interface HubspotSettings {
  /** Unset: there is no HubSpot. */
  HUBSPOT_ACCESS_TOKEN?: string | undefined;
  HUBSPOT_BASE_URL: string;
}

interface Contact {
  id: string;
  properties: Record<string, string | null>;
  createdAt?: string;
  updatedAt?: string;
}

export function createHubspotStore(
  db: Database,
  { HUBSPOT_ACCESS_TOKEN: token, HUBSPOT_BASE_URL: base }: HubspotSettings,
): PersonalDataStore {
  const ask = token ? createHubspotPost(base, token) : null;

  async function post(path: string, body: object): Promise<HubspotAnswer> {
    if (!ask) throw failure('hubspot_not_configured');
    return ask(path, body).catch((error) => {
      throw error instanceof HubspotFailure ? failure(error.code, error.retryAfterMs ?? undefined) : error;
    });
  }

  async function search(email: string): Promise<Contact[]> {
    const { body } = await post('/crm/v3/objects/contacts/search', {
      filterGroups: writingsOf(email).map((value) => ({ filters: [{ propertyName: 'email', operator: 'EQ', value }] })),
      properties: PROPERTIES,
      limit: MOST_CONTACTS,
    });
    const { results } = (body ?? {}) as { results?: Contact[] };
    if (!Array.isArray(results)) throw failure('hubspot_away');
    return results;
  }

  async function deleteForGood(contact: { objectId: string; idProperty?: 'email' }): Promise<void> {
    await post('/crm/v3/objects/contacts/gdpr-delete', contact);
  }

  return {
    name: 'hubspot',
    async preview({ email }) {
      return { ...NOTHING, erase: token ? (await search(email)).length : 0 };
    },
    async purge({ email }, beat) {
      if (!token) return NOTHING;
      const found = await search(email);
      beat();
      // Its search also lists a contact that has the address as a further one, which no deletion by address reaches.
      for (const { id } of found) await deleteForGood({ objectId: id });
      // Asked for even where none is found: the search may not know a new contact yet. HubSpot then keeps the address on
      // its list of those that no import brings back.
      for (const objectId of writingsOf(email)) await deleteForGood({ objectId, idProperty: 'email' });
      beat();
      if ((await search(email)).length > 0) throw failure('hubspot_still_listed', INDEX_LAG_MS);
      const changed = await changeLoggedWords(db, post);
      if (changed.left > 0) throw failure('hubspot_syncing', INDEX_LAG_MS);
      return { ...NOTHING, erase: found.length, anonymise: changed.done };
    },
    async *export({ email }) {
      if (token) yield* await search(email);
    },
  };
}

/** A domain with letters beyond ASCII may have come to HubSpot either way. */
function writingsOf(email: string): string[] {
  const at = email.lastIndexOf('@') + 1;
  const unicode = domainToUnicode(email.slice(at));
  return [...new Set([email, ...(unicode ? [email.slice(0, at) + unicode] : [])])];
}

const failure = (code: string, nextRetryDelay?: number) =>
  ApplicationFailure.create({ type: code, message: code, ...(nextRetryDelay === undefined ? {} : { nextRetryDelay }) });
