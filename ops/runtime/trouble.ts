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

export function pingTemporal({ connection }: Client): Promise<unknown> {
  return connection.withDeadline(Date.now() + ANSWERS_WITHIN_MS, () => connection.workflowService.getSystemInfo({}));
}

/** Null when it went well, else in a few words why not. */
export async function troubleOf(ask: () => Promise<unknown>): Promise<string | null> {
  const waiting = new AbortController();
  const timeOut = delay(ANSWERS_WITHIN_MS + 100, 'timed out', { signal: waiting.signal }).catch(() => null);
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
    WORDS[String(code)] ?? Object.entries(WORDS).find(([name]) => `${message} ${details}`.includes(name))?.[1];
  if (known) return known;
  if (/time(d )?out|deadline/i.test(`${message} ${details}`)) return 'timed out';
  if (/writeable|closed|Connection terminated/i.test(message)) return 'connection refused';
  return 'unavailable';
}
