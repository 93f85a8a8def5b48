// One claimed mail: a free connection, opened in the database, sent, and recorded at once.
import { setTimeout as delay } from 'node:timers/promises';
import { joined } from '../../ops/runtime/joined';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { attachmentKey } from '../attachments';
import type { Claims, OpenMail, Outcome, Told } from './claims';
import type { Connections } from './connections';
import { type Conversation, type Reply, ServiceTrouble } from './conversation';
import { composeMessage, isApproved, type Sender } from './message';
import { retrySeconds } from './retries';

const RECORD_AGAIN_MS = 500;
/** The database may be away while the server's answer waits to be recorded; nobody else knows it. */
const RECORD_WITHIN_MS = 600_000;
const STORE_AWAY_SECONDS = 60;

export interface DeliveryDependencies {
  claims: Claims;
  connections: Connections;
  files: Pick<ObjectStore, 'get' | 'has'>;
  sender: Sender;
  tell(told: Told[]): void;
}

/** What became of a claimed mail; `gone`: it was withdrawn meanwhile, or the lane has another owner. */
export type Delivered = 'sent' | 'answered' | 'gone';

export function createDelivery({ claims, connections, files, sender, tell }: DeliveryDependencies) {
  const open = joined(async (ids: readonly string[]) => {
    const mails = new Map((await claims.open([...ids])).map((mail) => [mail.id, mail]));
    return ids.map((id) => mails.get(id) ?? null);
  });
  const record = joined(async (outcomes: readonly Outcome[]) => {
    const told = await untilDone(() => claims.record([...outcomes]));
    if (told.length > 0) tell(told);
    return outcomes.map(() => null);
  });

  /** Throws ServiceTrouble, or what the database threw. */
  return async function deliver(id: string): Promise<Delivered> {
    const conversation = await connections.take();
    const mail = await open(id).catch(async (error) => {
      connections.give(conversation);
      // It may have been opened all the same; nothing went out, so it goes back.
      await record(waitForService(id));
      throw error;
    });
    if (!mail) {
      connections.give(conversation);
      return 'gone';
    }
    const reply = await converse(mail, conversation);
    if ('status' in reply) {
      await record(reply);
      return 'answered';
    }
    await record(outcomeOf(mail, reply));
    if (reply.kind === 'trouble') throw new ServiceTrouble(reply.code);
    return reply.kind === 'accepted' ? 'sent' : 'answered';
  };

  /** The server's reply, or an outcome that needs no server. */
  async function converse(mail: OpenMail, conversation: Conversation): Promise<Reply | Outcome> {
    const fault = await findFault(mail);
    if (fault) {
      connections.give(conversation);
      return fault;
    }
    const isReused = conversation.used > 0;
    const reply = await send(mail, conversation);
    if (reply.kind !== 'trouble' || !isReused) return reply;
    // A connection that was kept may have been closed meanwhile: a fresh one tells whether the service is at fault.
    try {
      return await send(mail, await connections.take());
    } catch (error) {
      if (error instanceof ServiceTrouble) return { kind: 'trouble', code: error.code };
      throw error;
    }
  }

  async function send(mail: OpenMail, conversation: Conversation): Promise<Reply> {
    const { stream, begun } = composeMessage(mail, sender.from, files);
    const reply = await conversation.send({ from: sender.address, to: mail.to }, stream, begun);
    connections.give(conversation);
    return reply;
  }

  async function findFault(mail: OpenMail): Promise<Outcome | null> {
    const fault = { id: mail.id, outcome: null, retrySeconds: null };
    if (!isApproved(mail)) return { ...fault, status: 'blocked', code: 'content_changed' };
    try {
      const present = await Promise.all(mail.attachments.map(({ sha256 }) => files.has(attachmentKey(sha256))));
      return present.every(Boolean) ? null : { ...fault, status: 'failed', code: 'attachment_missing' };
    } catch {
      return { ...fault, status: 'scheduled', code: 'file_store_away', retrySeconds: STORE_AWAY_SECONDS };
    }
  }
}

function outcomeOf({ id, attempts }: OpenMail, reply: Reply): Outcome {
  switch (reply.kind) {
    case 'accepted':
      return { id, status: 'sent', outcome: 'delivered', code: null, retrySeconds: null };
    case 'unknown':
      return { id, status: 'failed', outcome: 'unknown', code: 'outcome_unknown', retrySeconds: null };
    case 'trouble':
      return waitForService(id);
    case 'refused': {
      const again = reply.permanent ? null : retrySeconds(attempts + 1);
      if (again !== null) return { id, status: 'scheduled', outcome: null, code: reply.code, retrySeconds: again };
      const code = reply.permanent ? reply.code : 'gave_up';
      return { id, status: 'failed', outcome: 'refused', code, retrySeconds: null };
    }
  }
}

const waitForService = (id: string): Outcome => ({
  id,
  status: 'scheduled',
  outcome: null,
  code: null,
  retrySeconds: null,
});

async function untilDone<T>(act: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + RECORD_WITHIN_MS;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(RECORD_AGAIN_MS);
    }
  }
}
