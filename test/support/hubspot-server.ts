// HubSpot's contacts and emails as far as they are used: refuses every request that its documentation does not allow.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import * as contract from './hubspot-contract';

export const HUBSPOT_TOKEN = 'pat-eu1-of-the-tests';
const OBJECTS = '/crm/v3/objects/';
const READ = 'crm.objects.contacts.read';
const WRITE = 'crm.objects.contacts.write';
const READ_EMAILS = 'sales-email-read';
/** Through which a full-text search looks. */
const SEARCHED = ['email', 'hs_additional_emails', 'firstname', 'lastname', 'phone', 'mobilephone', 'fax', 'company'];
/** Of a private app on the lowest tier. */
const LIMIT = { requests: 100, withinMs: 10_000 };

export interface HubspotObject {
  id: string;
  properties: Record<string, string>;
  /** Of an email: the contacts that it is logged on. */
  contacts?: string[];
}
interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}
/** Instead of the answer, or after it was carried out: the connection is cut, or nothing comes. */
type Trouble = Answer | 'cut' | 'cut_after' | 'silence' | null;

export interface HubspotServer {
  url: string;
  contacts: HubspotObject[];
  emails: HubspotObject[];
  /** Addresses that were deleted for good. */
  blocked: string[];
  requests: string[];
  /** What the token may do. */
  scopes: string[];
  /** Asked before each request, by its path below `/crm/v3/objects/`. */
  trouble: (path: string, body: unknown) => Trouble | Promise<Trouble>;
  /** The next request of this path is answered so, whatever it asks; several in their order. */
  answerNext(path: string, answer: Answer): void;
  close(): Promise<void>;
}

export async function startHubspotServer(): Promise<HubspotServer> {
  let made = 0;
  const planned = new Map<string, Answer[]>();
  const times: number[] = [];
  const taken = (email: string) => state.contacts.find(({ properties }) => isOf(properties, email));

  const routes: Record<string, (body: unknown) => Answer> = {
    contacts: take(contract.NewContact, ({ properties }) => ({
      status: 201,
      body: create(state.contacts, properties),
    })),
    'contacts/search': take(z.union([contract.Filtered, contract.FullText]), (question) => {
      const isMeant = 'query' in question ? byText(question.query) : byFilters(question.filterGroups);
      return found(state.contacts.filter(isMeant), question);
    }),
    'contacts/gdpr-delete': take(contract.GdprDelete, ({ objectId, idProperty }) => {
      const gone = state.contacts.filter(({ id, properties }) => (idProperty ? properties.email : id) === objectId);
      const ids = gone.map(({ id }) => id);
      state.contacts = state.contacts.filter((contact) => !gone.includes(contact));
      state.emails = state.emails.filter(({ contacts = [] }) => !contacts.some((id) => ids.includes(id)));
      if (idProperty) state.blocked.push(objectId);
      return { status: 204 };
    }),
    'contacts/batch/read': take(contract.ReadContacts, ({ inputs }) => {
      const results = inputs.flatMap(({ id }) => taken(id) ?? []);
      const missing = inputs.filter(({ id }) => !taken(id)).map(({ id }) => id);
      const errors = [{ status: 'error', category: 'OBJECT_NOT_FOUND', context: { ids: missing } }];
      if (missing.length === 0) return { status: 200, body: { status: 'COMPLETE', results } };
      return { status: 207, body: { status: 'COMPLETE', results, numErrors: 1, errors } };
    }),
    'contacts/batch/create': take(contract.NewContacts, ({ inputs }) => {
      const there = inputs.flatMap(({ properties }) => taken(properties.email) ?? [])[0];
      if (there) return conflict(`Contact already exists. Existing ID: ${there.id}`);
      if (inputs.some(({ properties }) => state.blocked.includes(properties.email)))
        return refusal(400, 'VALIDATION_ERROR');
      return complete(inputs.map(({ properties }) => create(state.contacts, properties)));
    }),
    'emails/batch/create': take(contract.NewEmails, ({ inputs }) => {
      const known = (id: string) => state.contacts.some((contact) => contact.id === id);
      const isGood = (input: (typeof inputs)[number]) => input.associations.every(({ to }) => known(to.id));
      const results = inputs.filter(isGood).map(({ properties, associations }) =>
        create(
          state.emails,
          properties,
          associations.map(({ to }) => to.id),
        ),
      );
      if (results.length === inputs.length) return complete(results);
      const errors = [{ status: 'error', category: 'OBJECT_NOT_FOUND' }];
      return { status: 207, body: { status: 'COMPLETE', results, numErrors: 1, errors } };
    }),
    'emails/batch/update': take(contract.EmailUpdates, ({ inputs }) => {
      const results = inputs.flatMap(({ id, properties }) => {
        const email = state.emails.find((one) => one.id === id);
        if (!email) return [];
        Object.assign(email.properties, properties);
        return [email];
      });
      return results.length === inputs.length
        ? { status: 200, body: { status: 'COMPLETE', results } }
        : refusal(404, 'OBJECT_NOT_FOUND');
    }),
    'emails/search': take(contract.Filtered, (question) =>
      found(state.emails.filter(byFilters(question.filterGroups)), question),
    ),
  };

  function create(objects: HubspotObject[], given: object, contacts?: string[]): HubspotObject {
    const object = {
      id: `new-${++made}`,
      properties: { ...given } as Record<string, string>,
      ...(contacts ? { contacts } : {}),
    };
    objects.push(object);
    return object;
  }

  async function answer(request: IncomingMessage): Promise<Trouble> {
    const url = request.url ?? '';
    state.requests.push(`${request.method} ${url}`);
    const body = await json(request).catch(() => null);
    const path = url.slice(OBJECTS.length);
    const next = planned.get(path)?.shift();
    if (next) return next;
    const trouble = await state.trouble(path, body);
    if (trouble !== null && trouble !== 'cut_after') return trouble;
    if (request.headers.authorization !== `Bearer ${HUBSPOT_TOKEN}`) return refusal(401, 'INVALID_AUTHENTICATION');
    if (request.headers['content-type'] !== 'application/json') return refusal(415, 'UNSUPPORTED');
    if (request.method !== 'POST') return refusal(405, 'METHOD_NOT_ALLOWED');
    if (!scopesFor(path).every((scope) => state.scopes.includes(scope))) return refusal(403, 'MISSING_SCOPES');
    const now = Date.now();
    times.push(now);
    if ((times.at(-LIMIT.requests - 1) ?? 0) > now - LIMIT.withinMs) return refusal(429, 'RATE_LIMITS');
    const carriedOut = url.startsWith(OBJECTS) ? routes[path]?.(body) : undefined;
    return trouble ?? carriedOut ?? refusal(404, 'NOT_FOUND');
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (told) => {
        if (told === 'cut' || told === 'cut_after' || told === null) request.socket.destroy();
        else if (told !== 'silence') respond(response, told);
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const state: HubspotServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    contacts: [],
    emails: [],
    blocked: [],
    requests: [],
    scopes: [READ, WRITE, READ_EMAILS],
    trouble: () => null,
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

function scopesFor(path: string): string[] {
  if (path === 'emails/search') return [READ, READ_EMAILS];
  return path.endsWith('/search') || path.endsWith('/read') ? [READ] : [WRITE];
}

/** Answers what keeps to the contract. */
function take<T extends z.ZodType>(schema: T, act: (body: z.output<T>) => Answer): (body: unknown) => Answer {
  return (body) => {
    const parsed = schema.safeParse(body);
    return parsed.success ? act(parsed.data) : refusal(400, 'VALIDATION_ERROR');
  };
}

function found(
  results: HubspotObject[],
  { limit = 10, after = '0' }: { limit?: number | undefined; after?: string | undefined },
): Answer {
  const at = '2026-01-01T00:00:00.000Z';
  const next = Number(after) + limit;
  const shown = results
    .slice(Number(after), next)
    .map((object) => ({ ...object, createdAt: at, updatedAt: at, archived: false }));
  const paging = next < results.length ? { paging: { next: { after: String(next) } } } : {};
  return { status: 200, body: { total: results.length, results: shown, ...paging } };
}

/** An address is compared with further addresses of the contact too. */
const isOf = (properties: Record<string, string>, email: string) =>
  [properties.email, ...(properties.hs_additional_emails?.split(';') ?? [])].some(
    (one) => one?.toLowerCase() === email.toLowerCase(),
  );
const byFilters =
  (groups: z.output<typeof contract.Filtered>['filterGroups']) =>
  ({ properties }: HubspotObject): boolean =>
    groups.some(({ filters }) =>
      filters.every((filter) => {
        const values = filter.operator === 'IN' ? filter.values : [filter.value];
        const { propertyName: name } = filter;
        if (name === 'email') return values.some((value) => isOf(properties, value));
        return values.some((value) => properties[name]?.toLowerCase() === value.toLowerCase());
      }),
    );
const byText =
  (query: string) =>
  ({ properties }: HubspotObject): boolean =>
    SEARCHED.some((name) => properties[name]?.toLowerCase().includes(query.toLowerCase()));

const complete = (results: HubspotObject[]): Answer => ({ status: 201, body: { status: 'COMPLETE', results } });

function refusal(status: number, category: string, message = 'It is not as documented.'): Answer {
  return { status, body: { status: 'error', message, correlationId: 'c', category } };
}
const conflict = (message: string) => refusal(409, 'CONFLICT', message);

function respond(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  response.writeHead(status, { ...(body ? { 'Content-Type': 'application/json' } : {}), ...headers });
  response.end(body ? JSON.stringify(body) : undefined);
}
