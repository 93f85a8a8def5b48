// Hears from every process, through PostgreSQL, that a mail is due. Whatever is missed, the lane looks by itself.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { LANE_CHANNEL } from '../activities/outbox/announcer';
import type { Alarm } from '../ops/runtime/alarm';

const TRIES_AGAIN_MS = 1_000;

export async function listenForMail(databaseUrl: string, alarm: Alarm, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    await listen(databaseUrl, alarm, stopping).catch(() => {});
    await delay(TRIES_AGAIN_MS, undefined, { signal: stopping }).catch(() => {});
  }
}

/** Until the connection ends. */
async function listen(connectionString: string, alarm: Alarm, stopping: AbortSignal): Promise<void> {
  const client = new pg.Client({ connectionString, keepAlive: true, application_name: 'countersign listener' });
  const ended = new Promise<void>((resolve) => {
    client.on('error', () => resolve());
    client.on('end', resolve);
    stopping.addEventListener('abort', () => resolve(), { once: true });
  });
  client.on('notification', () => alarm.ring());
  try {
    await client.connect();
    await client.query(`LISTEN ${LANE_CHANNEL}`);
    alarm.ring();
    await ended;
  } finally {
    await client.end().catch(() => {});
  }
}
