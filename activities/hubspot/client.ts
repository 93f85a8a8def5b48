// Sends requests to HubSpot's v3 API, and says what a failure means. Addresses travel in bodies alone; of what HubSpot answers
// with, only codes are thrown. Source: HubSpot's documentation of its CRM objects, of usage limits and of error handling.
import { setTimeout as delay } from 'node:timers/promises';

const ANSWERS_WITHIN_MS = 15_000;
/** A batch of 100 objects with their properties has less than this. */
const MOST_BYTES = 16 * 1024 * 1024;
/** Private apps may send 100 requests in ten seconds on the lowest tier; others of the account use them too. */
const REQUESTS_EACH_MS = 110;
const PAUSE_MS = { DAILY: 15 * 60_000, otherwise: 10_000 };
/** Temporal takes a delay of nothing for the wish not to be tried again. */
const RETRIES_AFTER_MS = { least: 1_000, most: 60 * 60_000 };
/** Locked for a moment, and being moved to another data centre. */
const LOCKED = [423, 477];
/** HubSpot, or what stands before it, could not be reached. Other errors may come of the request itself. */
const GATEWAY = [502, 503, 504, 521, 522, 523, 524];

/** `service`: every request would fail so. `request`: HubSpot refused this one. `either`: an error that does not tell. */
export type FailureKind = 'service' | 'request' | 'either';

export class HubspotFailure extends Error {
  /** @param code for histories, rows and logs
   *  @param retryAfterMs how long HubSpot asks to be left alone; null where it asks for nothing
   *  @param isUndone whether HubSpot surely did nothing of what was asked
   *  @param existingId with a conflict: the object that is there already */
  constructor(
    readonly code: string,
    readonly kind: FailureKind,
    readonly isUndone: boolean,
    readonly retryAfterMs: number | null = null,
    readonly existingId: string | null = null,
  ) {
    super(code);
  }
}

export interface HubspotAnswer {
  status: number;
  /** Parsed JSON; null where there is none. */
  body: unknown;
}

/** @param signal aborted when the caller has no more time. Throws HubspotFailure. */
export type HubspotPost = (path: string, body: object) => Promise<HubspotAnswer>;

export function createHubspotPost(base: string, token: string): HubspotPost {
  let nextAt = 0;

  /** Keeps a distance between requests. */
  async function takeTurn(): Promise<void> {
    const now = Date.now();
    const at = Math.max(nextAt, now);
    nextAt = at + REQUESTS_EACH_MS;
    if (at > now) await delay(at - now);
  }

  return async function post(path, body) {
    await takeTurn();
    const response = await fetch(`${base.replace(/\/+$/, '')}${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(body),
      // A token is not for whoever an answer points to.
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    }).catch(() => {
      throw new HubspotFailure('hubspot_away', 'service', false);
    });
    const text = await readText(response).catch(() => {
      throw new HubspotFailure('hubspot_away', 'service', false);
    });
    if (!response.ok) throw failureOf(response, parse(text));
    const answer = text === '' ? null : parse(text);
    if (text !== '' && answer === null) throw new HubspotFailure('hubspot_garbled', 'service', false);
    return { status: response.status, body: answer };
  };
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error('too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function failureOf({ status, headers }: Response, body: unknown): HubspotFailure {
  const { policyName, category, message } = (body ?? {}) as Record<string, unknown>;
  const asked = retryAfter(headers.get('retry-after'));
  if (status === 429) {
    const usual = policyName === 'DAILY' ? PAUSE_MS.DAILY : PAUSE_MS.otherwise;
    return new HubspotFailure('hubspot_rate_limited', 'service', true, asked ?? usual);
  }
  if (status === 401) return new HubspotFailure('hubspot_unauthorised', 'service', true);
  if (status === 403) {
    const code = category === 'MISSING_SCOPES' ? 'hubspot_scope_missing' : 'hubspot_unauthorised';
    return new HubspotFailure(code, 'service', true);
  }
  if (LOCKED.includes(status))
    return new HubspotFailure('hubspot_locked', 'service', true, asked ?? PAUSE_MS.otherwise);
  if (GATEWAY.includes(status)) return new HubspotFailure('hubspot_away', 'service', false, asked);
  if (status >= 500) return new HubspotFailure('hubspot_away', 'either', false, asked);
  // Whoever answers with a redirect or does not know the path is not HubSpot's API.
  const isElsewhere = status < 400 || (status === 404 && category !== 'OBJECT_NOT_FOUND');
  const kind = isElsewhere ? 'service' : 'request';
  const existing = status === 409 ? /Existing ID: (\d+)/.exec(String(message)) : null;
  return new HubspotFailure(`hubspot_refused_${status}`, kind, true, null, existing?.[1] ?? null);
}

/** In seconds, or a date. */
function retryAfter(value: string | null): number | null {
  if (!value) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, RETRIES_AFTER_MS.least), RETRIES_AFTER_MS.most) : null;
}
