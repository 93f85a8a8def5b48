// Sends requests to HubSpot's v3 API, and says what a failure means. Addresses travel in bodies alone; of what HubSpot answers
// with, only codes are thrown. Source: HubSpot's documentation of its CRM objects, of usage limits and of error handling.
import { setTimeout as delay } from 'node:timers/promises';

/** HubSpot's status for a batch that it took in part: inputs that are not among the results were refused. */
export const SOME_REFUSED = 207;
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

export interface HubspotFailureDetails {
  kind: FailureKind;
  /** Whether HubSpot surely did nothing of what was asked. */
  isUndone: boolean;
  /** The answer's status; null if there was no answer. */
  status: number | null;
  /** How long HubSpot asks to be left alone; null if it asks for nothing. */
  retryAfterMs?: number | null;
  /** With a conflict: the object that is there already. */
  existingId?: string | null;
}

export class HubspotFailure extends Error {
  readonly kind: FailureKind;
  readonly isUndone: boolean;
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  readonly existingId: string | null;

  /** @param code for histories, rows and logs */
  constructor(
    readonly code: string,
    { kind, isUndone, status, retryAfterMs = null, existingId = null }: HubspotFailureDetails,
  ) {
    super(code);
    this.kind = kind;
    this.isUndone = isUndone;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.existingId = existingId;
  }
}

export interface HubspotAnswer {
  status: number;
  /** Parsed JSON; null where there is none. */
  body: unknown;
}

/** @param signal aborted when nobody waits for the answer any more. Throws HubspotFailure. */
export type HubspotPost = (path: string, body: object, signal?: AbortSignal) => Promise<HubspotAnswer>;

export function createHubspotPost(base: string, token: string): HubspotPost {
  let nextAt = 0;

  /** Keeps a distance between requests. */
  async function takeTurn(): Promise<void> {
    const now = Date.now();
    const at = Math.max(nextAt, now);
    nextAt = at + REQUESTS_EACH_MS;
    if (at > now) await delay(at - now);
  }

  return async function post(path, body, signal) {
    await takeTurn();
    const response = await fetch(`${base.replace(/\/+$/, '')}${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(body),
      // A token is not for whoever an answer points to.
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(ANSWERS_WITHIN_MS), ...(signal ? [signal] : [])]),
    }).catch(noAnswer);
    const text = await readText(response).catch(noAnswer);
    if (!response.ok) throw failureOf(response, parse(text));
    const answer = text === '' ? null : parse(text);
    if (text !== '' && answer === null) throw garbled(response.status);
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

function noAnswer(): never {
  throw new HubspotFailure('hubspot_away', { kind: 'service', isUndone: false, status: null });
}

/** The answer is not as documented: HubSpot may have done what was asked. */
export const garbled = (status: number) =>
  new HubspotFailure('hubspot_garbled', { kind: 'service', isUndone: false, status });

/** HubSpot took other inputs of the same request, and not this one. */
export const leftOut = () =>
  new HubspotFailure('hubspot_refused_207', { kind: 'request', isUndone: true, status: SOME_REFUSED });

function failureOf({ status, headers }: Response, body: unknown): HubspotFailure {
  const { policyName, category, message } = (body ?? {}) as Record<string, unknown>;
  const asked = retryAfter(headers.get('retry-after'));
  const refusal = (code: string, kind: FailureKind, more: Partial<HubspotFailureDetails> = {}) =>
    new HubspotFailure(code, { kind, isUndone: true, status, ...more });
  if (status === 429) {
    const usual = policyName === 'DAILY' ? PAUSE_MS.DAILY : PAUSE_MS.otherwise;
    return refusal('hubspot_rate_limited', 'service', { retryAfterMs: asked ?? usual });
  }
  if (status === 403 && category === 'MISSING_SCOPES') return refusal('hubspot_scope_missing', 'service');
  if (status === 401 || status === 403) return refusal('hubspot_unauthorised', 'service');
  if (LOCKED.includes(status)) {
    return refusal('hubspot_locked', 'service', { retryAfterMs: asked ?? PAUSE_MS.otherwise });
  }
  if (status >= 500) {
    const kind = GATEWAY.includes(status) ? 'service' : 'either';
    return refusal('hubspot_away', kind, { isUndone: false, retryAfterMs: asked });
  }
  // A redirect, or an unknown path, comes from something else than HubSpot's API.
  const isElsewhere = status < 400 || (status === 404 && category !== 'OBJECT_NOT_FOUND');
  const existing = status === 409 ? /Existing ID: (\d+)/.exec(String(message)) : null;
  return refusal(`hubspot_refused_${status}`, isElsewhere ? 'service' : 'request', {
    existingId: existing?.[1] ?? null,
  });
}

/** In seconds, or a date. */
function retryAfter(value: string | null): number | null {
  if (!value) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, RETRIES_AFTER_MS.least), RETRIES_AFTER_MS.most) : null;
}
