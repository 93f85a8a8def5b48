// HubSpot's contacts as far as they are used: refuses every request that its documentation does not allow.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

export const HUBSPOT_TOKEN = 'pat-eu1-of-the-tests';

const PAGING = { limit: z.number().int().min(1).max(200).optional(), after: z.string().optional() };
const Filtered = z.strictObject({
  filterGroups: z
    .array(
      z.strictObject({
        filters: z
          .array(z.strictObject({ propertyName: z.string(), operator: z.enum(['EQ']), value: z.string() }))
          .min(1)
          .max(6),
      }),
    )
    .min(1)
    .max(5),
  properties: z.array(z.string()).optional(),
  ...PAGING,
});
const FullText = z.strictObject({
  query: z.string().min(1).max(3_000),
  properties: z.array(z.string()).optional(),
  ...PAGING,
});
/** Through which a full-text search looks. */
const SEARCHED = ['email', 'hs_additional_emails', 'firstname', 'lastname', 'phone', 'mobilephone', 'fax', 'company'];
const NewContact = z.strictObject({
  properties: z.strictObject({ email: z.email(), firstname: z.string().optional() }),
});
const GdprDelete = z.strictObject({ objectId: z.string(), idProperty: z.literal('email').optional() });

interface Contact {
  id: string;
  properties: Record<string, string>;
}
interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface HubspotServer {
  url: string;
  contacts: Contact[];
  /** Addresses that were deleted for good. */
  blocked: string[];
  requests: string[];
  /** The next request of this path is answered so, whatever it asks; several in their order. */
  answerNext(path: 'search' | 'gdpr-delete', answer: Answer): void;
  close(): Promise<void>;
}

export async function startHubspotServer(): Promise<HubspotServer> {
  let made = 0;
  const planned = new Map<string, Answer[]>();

  async function answer(request: IncomingMessage): Promise<Answer> {
    const path = request.url ?? '';
    state.requests.push(`${request.method} ${path}`);
    const body = await json(request).catch(() => null);
    const name = path.split('/').at(-1) as string;
    const next = planned.get(name)?.shift();
    if (next) return next;
    if (request.headers.authorization !== `Bearer ${HUBSPOT_TOKEN}`) return refusal(401, 'INVALID_AUTHENTICATION');
    if (request.headers['content-type'] !== 'application/json') return refusal(415, 'UNSUPPORTED');
    if (request.method !== 'POST') return refusal(405, 'METHOD_NOT_ALLOWED');
    if (path === '/crm/v3/objects/contacts') return create(body);
    if (path === '/crm/v3/objects/contacts/search') return search(body);
    if (path === '/crm/v3/objects/contacts/gdpr-delete') return gdprDelete(body);
    return refusal(404, 'NOT_FOUND');
  }

  function search(body: unknown): Answer {
    const parsed = z.union([Filtered, FullText]).safeParse(body);
    if (!parsed.success) return refusal(400, 'VALIDATION_ERROR');
    const { limit = 10, after = '0', ...question } = parsed.data;
    const isMeant = 'query' in question ? byText(question.query) : byFilters(question.filterGroups);
    const results = state.contacts.filter(isMeant);
    const at = '2026-01-01T00:00:00.000Z';
    const shown = results
      .slice(Number(after), Number(after) + limit)
      .map((contact) => ({ ...contact, createdAt: at, updatedAt: at, archived: false }));
    const next = Number(after) + limit;
    const paging = next < results.length ? { paging: { next: { after: String(next) } } } : {};
    return { status: 200, body: { total: results.length, results: shown, ...paging } };
  }

  function create(body: unknown): Answer {
    const parsed = NewContact.safeParse(body);
    if (!parsed.success) return refusal(400, 'VALIDATION_ERROR');
    const contact = { id: `new-${++made}`, properties: { ...parsed.data.properties } as Record<string, string> };
    state.contacts.push(contact);
    return { status: 201, body: contact };
  }

  function gdprDelete(body: unknown): Answer {
    const parsed = GdprDelete.safeParse(body);
    if (!parsed.success) return refusal(400, 'VALIDATION_ERROR');
    const { objectId, idProperty } = parsed.data;
    const isMeant = ({ id, properties }: Contact) => (idProperty ? properties.email : id) === objectId;
    state.contacts = state.contacts.filter((contact) => !isMeant(contact));
    if (idProperty) state.blocked.push(objectId);
    return { status: 204 };
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (told) => respond(response, told),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const state: HubspotServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    contacts: [],
    blocked: [],
    requests: [],
    answerNext(path, next) {
      planned.set(path, [...(planned.get(path) ?? []), next]);
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return state;
}

/** An address is compared with further addresses of the contact too. */
const byFilters =
  (groups: z.output<typeof Filtered>['filterGroups']) =>
  ({ properties }: Contact): boolean =>
    groups.some(({ filters }) =>
      filters.every(({ propertyName, value }) => {
        const more = propertyName === 'email' ? (properties.hs_additional_emails?.split(';') ?? []) : [];
        return [properties[propertyName], ...more].some((one) => one?.toLowerCase() === value.toLowerCase());
      }),
    );
const byText =
  (query: string) =>
  ({ properties }: Contact): boolean =>
    SEARCHED.some((name) => properties[name]?.toLowerCase().includes(query.toLowerCase()));

function refusal(status: number, category: string): Answer {
  return { status, body: { status: 'error', message: 'It is not as documented.', correlationId: 'c', category } };
}

function respond(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  response.writeHead(status, { ...(body ? { 'Content-Type': 'application/json' } : {}), ...headers });
  response.end(body ? JSON.stringify(body) : undefined);
}
