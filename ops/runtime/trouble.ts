// Asks a dependency whether it works, bounded in time, and says in a few words why not.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';

export const ANSWERS_WITHIN_MS = 1_000;
export const NEVER_MIGRATED = 'never migrated';
const WORDS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection lost',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found',
  ETIMEDOUT: 'timed out',
  '3D000': 'no such database',
  '28P01': 'password refused',
  '42P01': NEVER_MIGRATED,
  '57P01': 'shutting down',
  '57P03': 'starting up',
  '53300': 'too many connections',
};
/** By gRPC's numbers. */
const GRPC_WORDS = new Map<unknown, string>([
  [7, 'access refused'],
  [16, 'credentials refused'],
]);
/** OpenSSL, Node and gRPC say these in sentences alone. The first that fits counts. */
const PHRASES: [RegExp, string][] = [
  [/alert (bad )?certificate|alert unknown ca|certificate required/i, 'client certificate refused'],
  [/altnames/i, 'certificate of another name'],
  [/certificate has expired/i, 'certificate expired'],
  [/certificate/i, 'certificate not trusted'],
  [/wrong version number|packet length too long/i, 'no TLS there'],
  [/name resolution failed/i, 'host not found'],
  // A server that speaks TLS ends so what does not, and at times a client without the right certificate.
  [/last error: failed to connect/i, 'connection closed, as without TLS or a client certificate'],
  [/time(d )?out|deadline/i, 'timed out'],
];

export function pingTemporal({ connection }: Client, withinMs = ANSWERS_WITHIN_MS) {
  return connection.withDeadline(Date.now() + withinMs, () => connection.workflowService.getSystemInfo({}));
}

/** Returns null when it went well, else in a few words why not. */
export async function troubleOf(ask: () => Promise<unknown>, withinMs = ANSWERS_WITHIN_MS): Promise<string | null> {
  const waiting = new AbortController();
  const timeOut = delay(withinMs + 100, 'timed out', { signal: waiting.signal }).catch(() => null);
  try {
    return await Promise.race([ask().then(() => null), timeOut]);
  } catch (error) {
    return inWords(error);
  } finally {
    waiting.abort();
  }
}

function inWords(error: unknown): string {
  const { code, message = '', details = '' } = error as { code?: unknown; message?: string; details?: string };
  const known =
    GRPC_WORDS.get(code) ??
    WORDS[String(code)] ??
    Object.entries(WORDS).find(([name]) => `${message} ${details}`.includes(name))?.[1];
  if (known) return known;
  const phrase = PHRASES.find(([pattern]) => pattern.test(`${message} ${details}`));
  if (phrase) return phrase[1];
  if (/writeable|closed|Connection terminated/i.test(message)) return 'connection refused';
  return 'unavailable';
}
