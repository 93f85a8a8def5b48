// HubSpot: the contact with the person's address, deleted for good with everything attached to it. Addresses travel in
// bodies alone, and what HubSpot answers becomes a code before it is thrown.
import { domainToUnicode } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import { NOTHING, type PersonalDataStore } from './store';

const ANSWERS_WITHIN_MS = 15_000;
const MOST_CONTACTS = 100;
/** Its search learns of a change some seconds later. */
const INDEX_LAG_MS = 10_000;
const PAUSE_MS = { DAILY: 15 * 60_000, otherwise: 10_000 };
/** Temporal takes a delay of nothing for the wish not to be tried again: the erasure would have failed for good. */
const RETRIES_AFTER_MS = { least: 1_000, most: 60 * 60_000 };
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

export function createHubspotStore({
  HUBSPOT_ACCESS_TOKEN: token,
  HUBSPOT_BASE_URL: base,
}: HubspotSettings): PersonalDataStore {
  async function post(path: string, body: unknown): Promise<Response> {
    const response = await fetch(`${base.replace(/\/+$/, '')}${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(body),
      // A token is not for whoever an answer points to.
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    }).catch(() => {
      throw failure('hubspot_away');
    });
    if (!response.ok) throw await failureOf(response);
    return response;
  }

  async function search(email: string): Promise<Contact[]> {
    const response = await post('/crm/v3/objects/contacts/search', {
      filterGroups: writingsOf(email).map((value) => ({ filters: [{ propertyName: 'email', operator: 'EQ', value }] })),
      properties: PROPERTIES,
      limit: MOST_CONTACTS,
    });
    const { results } = (await response.json().catch(() => ({}))) as { results?: Contact[] };
    if (!Array.isArray(results)) throw failure('hubspot_away');
    return results;
  }

  async function deleteForGood(contact: { objectId: string; idProperty?: 'email' }): Promise<void> {
    const deleted = await post('/crm/v3/objects/contacts/gdpr-delete', contact);
    await deleted.body?.cancel();
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
      return { ...NOTHING, erase: found.length };
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

async function failureOf(response: Response): Promise<ApplicationFailure> {
  const { status, headers } = response;
  if (status === 429) {
    const { policyName } = (await response.json().catch(() => ({}))) as { policyName?: string };
    const usual = policyName === 'DAILY' ? PAUSE_MS.DAILY : PAUSE_MS.otherwise;
    return failure('hubspot_rate_limited', retryAfter(headers.get('retry-after')) ?? usual);
  }
  await response.body?.cancel();
  if (status === 401 || status === 403) return failure('hubspot_unauthorised');
  return failure(status >= 500 ? 'hubspot_away' : `hubspot_refused_${status}`);
}

/** In seconds, or a date. */
function retryAfter(value: string | null): number | null {
  if (!value) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, RETRIES_AFTER_MS.least), RETRIES_AFTER_MS.most) : null;
}

const failure = (code: string, nextRetryDelay?: number) =>
  ApplicationFailure.create({ type: code, message: code, ...(nextRetryDelay === undefined ? {} : { nextRetryDelay }) });
