// Carries out what is due with the mail lane's own statements and conversations, but without Temporal, and as wide as it is
// told: a process of its own, so that its CPU time can be told from PostgreSQL's.
import { randomUUID } from 'node:crypto';
import { type Carried, createSenders } from '../../../activities/lane/senders';
import { type Claims, createClaims } from '../../../activities/mail-delivery/claims';
import { createConnections } from '../../../activities/mail-delivery/connections';
import { createDelivery } from '../../../activities/mail-delivery/delivery';
import { createSender } from '../../../activities/mail-delivery/message';
import { createAlarm } from '../../../ops/runtime/alarm';
import { joined } from '../../../ops/runtime/joined';
import { openObjectStore } from '../../../ops/runtime/object-store';
import { NO_TELEMETRY } from '../../../ops/runtime/telemetry';
import { createDatabase } from '../../../prisma/client';
import { now } from '../clock';

/** `statements`: claims, opens and records, and speaks to no mail server. */
export interface Task {
  do: 'take over' | 'carry out';
  lane: string;
  atOnce: number;
  what: 'mails' | 'statements';
}
export interface Done {
  mails: number;
  ms: number;
}

/** As the lane itself (activities/lane/attempt.ts). */
const BATCH = 100;
const LOW_WATER = 32;
const NEVER = new AbortController().signal;

const env = process.env as Record<string, string>;
const { db } = createDatabase({
  DATABASE_URL: env.DATABASE_URL as string,
  DB_POOL_SIZE: 8,
  DB_POOL_OVERFLOW: 12,
  DB_POOL_TIMEOUT_SECONDS: 30,
  DB_POOL_RECYCLE_SECONDS: 3_600,
});
const connections = createConnections(env.SMTP_URL as string);
const sender = createSender({
  MAIL_FROM: env.MAIL_FROM as string,
  PUBLIC_URL: 'http://localhost:8000',
  SECRET_KEY: [Buffer.alloc(32, 7)],
});
let claims: Claims;

process.on('message', (task: Task) => {
  void (task.do === 'take over' ? takeOver(task) : carryOut(task)).then(
    (done) => process.send?.(done),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('SIGTERM', () => process.exit(0));
process.send?.({ port: 0 });

/** All lanes of one trial take over before any of them claims, since a takeover settles what others have claimed. */
async function takeOver({ lane }: Task): Promise<Done> {
  claims = createClaims(db, lane, randomUUID(), sender.domain);
  const { state } = await claims.takeOver(null, { unsettled: null, isLookedAt: true });
  if (state !== 'owned') throw new Error(`The lane is ${state}`);
  return { mails: 0, ms: 0 };
}

async function carryOut({ atOnce, what }: Task): Promise<Done> {
  const begun = now();
  const room = createAlarm();
  const senders = createSenders(what === 'mails' ? mailsOf(claims) : statementsOf(claims), atOnce, room.ring);
  for (;;) {
    if (senders.failure !== null) throw senders.failure;
    if (senders.waiting >= LOW_WATER) {
      await room.wait(1_000, NEVER);
      continue;
    }
    const { ids } = await claims.claim(BATCH);
    if (ids.length === 0) break;
    senders.give(ids);
  }
  while (!senders.idle) await room.wait(1_000, NEVER);
  return { mails: senders.sent, ms: now() - begun };
}

const mailsOf = (claims: Claims) =>
  createDelivery({
    claims,
    connections,
    sender,
    files: openObjectStore(env.FILES_URL as string),
    opened: new Set(),
    ending: NEVER,
    announce: () => {},
    hold: (code) => Promise.reject(new Error(code)),
    telemetry: NO_TELEMETRY,
  });

function statementsOf(claims: Claims): (id: string) => Promise<Carried> {
  const open = joined(async (ids: readonly string[]) => {
    const opened = new Set((await claims.open([...ids])).map(({ id }) => id));
    return ids.map((id) => opened.has(id));
  });
  const record = joined(async (ids: readonly string[]) => {
    await claims.record(
      ids.map((id) => ({ id, status: 'sent', outcome: 'delivered', code: null, retrySeconds: null }) as const),
    );
    return ids.map(() => null);
  });
  return async (id) => {
    if (!(await open(id))) return 'gone';
    await record(id);
    return 'sent';
  };
}
