// Hears from every process, through PostgreSQL, that there is work. Whatever is missed, they look by themselves.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { CHANNEL } from '../activities/outbox/announcer';
import type { Alarm } from '../ops/runtime/alarm';

const TRIES_AGAIN_MS = 1_000;

/** @param alarms by the announcement's payload */
export async function listenForWork(
  databaseUrl: string,
  alarms: Record<string, Alarm>,
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    await listen(databaseUrl, alarms, stopping).catch(() => {});
    await delay(TRIES_AGAIN_MS, undefined, { signal: stopping }).catch(() => {});
  }
}

/** Until the connection ends. */
async function listen(connectionString: string, alarms: Record<string, Alarm>, stopping: AbortSignal): Promise<void> {
  const client = new pg.Client({ connectionString, keepAlive: true, application_name: 'countersign listener' });
  const ended = new Promise<void>((resolve) => {
    client.on('error', () => resolve());
    client.on('end', resolve);
    stopping.addEventListener('abort', () => resolve(), { once: true });
  });
  client.on('notification', ({ payload = '' }) => alarms[payload]?.ring());
  try {
    await client.connect();
    await client.query(`LISTEN ${CHANNEL}`);
    for (const alarm of Object.values(alarms)) alarm.ring();
    await ended;
  } finally {
    await client.end().catch(() => {});
  }
}
