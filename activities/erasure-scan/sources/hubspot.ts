// Reads HubSpot's contacts by its full-text search: it looks through names, phone numbers and further addresses as well as
// through the address that a contact is deleted by.
import { setTimeout as delay } from 'node:timers/promises';
import { createHubspotPost, HubspotFailure } from '../../hubspot/client';
import { formsOf } from '../../personal-data/subject';
import type { ScanChunk, ScanSource } from '../report';

const PAGE = 100;
const INDEXED_WITHIN_MS = 60_000;
const ASKS_EACH_MS = 1_000;
const PROPERTIES = ['email', 'hs_additional_emails', 'firstname', 'lastname', 'phone', 'mobilephone', 'fax', 'company'];

interface Contact {
  id: string;
  properties?: Record<string, string | null>;
}

interface Found {
  results?: Contact[];
  paging?: { next?: { after: string } };
}

export function createHubspotSource(base: string, token: string): ScanSource {
  const send = createHubspotPost(base, token);

  async function post<T>(path: string, body: object): Promise<T | null> {
    const answer = await send(`/crm/v3/objects/contacts${path}`, body).catch((error) => {
      throw error instanceof HubspotFailure ? failure(String(error.status ?? 'away')) : error;
    });
    return answer.body as T | null;
  }

  async function* search(query: string): AsyncIterable<Contact> {
    let after: string | undefined;
    do {
      const page = { query, properties: PROPERTIES, limit: PAGE, ...(after ? { after } : {}) };
      const found = await post<Found>('/search', page);
      if (!Array.isArray(found?.results)) throw failure('200');
      yield* found.results;
      after = found.paging?.next?.after;
    } while (after !== undefined);
  }

  async function isListed(query: string): Promise<boolean> {
    for await (const _ of search(query)) return true;
    return false;
  }

  return {
    name: 'hubspot',
    async plant(decoy) {
      const contact = await post<{ id: string }>('', { properties: { email: decoy, firstname: 'Scan decoy' } });
      if (!contact?.id) throw failure('away');
      const remove = async () => void (await post('/gdpr-delete', { objectId: contact.id }));
      try {
        // Its search learns of a new contact some seconds later.
        for (const deadline = Date.now() + INDEXED_WITHIN_MS; !(await isListed(decoy)); await delay(ASKS_EACH_MS)) {
          if (Date.now() > deadline) throw failure('slow');
        }
      } catch (error) {
        await remove().catch(() => {});
        throw error;
      }
      return { places: new Map([[`contact ${contact.id}`, 1]]), items: 1, remove };
    },
    async *read(people) {
      for (const { email } of people) {
        for (const form of formsOf(email).reverse()) {
          for await (const contact of search(form)) yield { place: `contact ${contact.id}`, chunks: chunksOf(contact) };
        }
      }
    },
  };
}

/** By value, and its addresses as a whole. */
async function* chunksOf({ properties = {} }: Contact): AsyncIterable<ScanChunk> {
  for (const [name, value] of Object.entries(properties)) {
    if (!value) continue;
    if (name === 'email') yield { address: value };
    else if (name === 'hs_additional_emails') for (const address of value.split(';')) yield { address };
    else yield Buffer.from(`${value}\n`);
  }
}

/** What it said may quote whom it was asked about. */
const failure = (code: string) =>
  Object.assign(new Error('HubSpot could not be searched'), { code: `hubspot_search_${code}` });
