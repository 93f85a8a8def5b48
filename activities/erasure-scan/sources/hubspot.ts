// HubSpot's contacts, asked by its full-text search: it looks through names, phone numbers and further addresses as well as
// through the address that a contact is deleted by.
import { formsOf } from '../address-forms';
import type { ScanSource } from '../report';

const ANSWERS_WITHIN_MS = 15_000;
const PAGE = 100;
const PROPERTIES = ['email', 'hs_additional_emails', 'firstname', 'lastname', 'phone', 'mobilephone', 'fax', 'company'];

interface Found {
  results?: { id: string }[];
  paging?: { next?: { after: string } };
}

export function createHubspotSource(base: string, token: string): ScanSource {
  const url = `${base.replace(/\/+$/, '')}/crm/v3/objects/contacts/search`;

  async function search(query: string, after: string | undefined): Promise<Found> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ query, properties: PROPERTIES, limit: PAGE, ...(after ? { after } : {}) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    }).catch(() => {
      throw failure('away');
    });
    const found = response.ok ? ((await response.json().catch(() => null)) as Found | null) : null;
    if (!found || !Array.isArray(found.results)) throw failure(String(response.status));
    return found;
  }

  return {
    name: 'hubspot',
    async *read({ email }) {
      for (const { local, domain } of formsOf(email)) {
        let after: string | undefined;
        do {
          const { results = [], paging } = await search(`${local}@${domain}`, after);
          for (const contact of results) {
            yield { place: `contact ${contact.id}`, chunks: Buffer.from(JSON.stringify(contact)) };
          }
          after = paging?.next?.after;
        } while (after !== undefined);
      }
    },
  };
}

/** What it said may quote whom it was asked about. */
const failure = (code: string) =>
  Object.assign(new Error('HubSpot could not be searched'), { code: `hubspot_search_${code}` });
