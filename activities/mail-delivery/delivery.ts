// One claimed mail: a free connection, opened in the database, sent, and recorded at once.
import { joined } from '../../ops/runtime/joined';
import { ObjectNotFound, type ObjectStore } from '../../ops/runtime/object-store';
import type { Telemetry } from '../../ops/runtime/telemetry';
import { assertNever } from '../../workflows/assert-never';
import type { HeldCode } from '../../workflows/contracts/held-mail';
import type { Announcement } from '../commands/context';
import type { Carried } from '../lane/senders';
import { ServiceTrouble } from '../lane/service-trouble';
import { untilDone } from '../lane/until-done';
import { ContentChanged, readAttachment } from './attachment-content';
import { type Claims, type OpenMail, type Outcome, STORE_AWAY } from './claims';
import type { Connections } from './connections';
import type { Conversation, Reply } from './conversation';
import { toMailAddress } from './mail-address';
import { composeMessage, isApproved, type Sender } from './message';
import { retrySeconds } from './retries';

const STORE_AWAY_SECONDS = 60;

export interface DeliveryDependencies {
  claims: Claims;
  connections: Connections;
  files: Pick<ObjectStore, 'get'>;
  sender: Sender;
  /** The drafts that this attempt may have opened. */
  opened: Set<string>;
  /** Aborted when this attempt is to begin nothing more. */
  ending: AbortSignal;
  announce(announcement: Announcement): void;
  /** The database went back in time: all mail is held from here on. */
  hold(code: HeldCode): Promise<void>;
  telemetry: Pick<Telemetry, 'trace'>;
}

export function createDelivery(dependencies: DeliveryDependencies) {
  const { claims, connections, files, sender, opened, ending, announce, hold, telemetry } = dependencies;
  const open = joined(async (ids: readonly string[]) => {
    for (const id of ids) opened.add(id);
    const mails = new Map((await claims.open([...ids])).map((mail) => [mail.id, mail]));
    const left = ids.filter((id) => !mails.has(id));
    for (const id of left) opened.delete(id);
    if (left.length > 0) announce({ told: await claims.block(left) });
    return ids.map((id) => mails.get(id) ?? null);
  });
  const record = joined(async (outcomes: readonly Outcome[]) => {
    const { told, forgot } = await untilDone(() => claims.record([...outcomes]));
    for (const { id } of outcomes) opened.delete(id);
    announce({ told });
    // The record has changed the row: nobody would find this again.
    if (forgot) await untilDone(() => hold('forgot_open'));
    return outcomes.map(() => null);
  });

  /** Throws ServiceTrouble, the reason of the end, or what the database threw. */
  return async function deliver(id: string): Promise<Carried> {
    const conversation = await connections.take(ending);
    const mail = await open(id).catch(async (error) => {
      connections.give(conversation);
      // It may have been opened all the same; nothing went out, so it goes back.
      await record({ ...waitForService(id), maybeUnopened: true });
      throw error;
    });
    if (!mail) {
      connections.give(conversation);
      return 'gone';
    }
    // The record is outside: it is written together with others'.
    const segment = { name: 'send mail', op: 'mail.send', draftId: id } as const;
    const reply = await telemetry.trace(mail.traceparent, segment, () => converse(mail, conversation));
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
      if (error instanceof ServiceTrouble) return { kind: 'trouble', code: error.code, mayBeTheMail: false };
      throw error;
    }
  }

  async function send(mail: OpenMail, conversation: Conversation): Promise<Reply> {
    const reply = await conversation.send(
      { from: sender.address, to: toMailAddress(mail.to) },
      composeMessage(mail, sender, files),
    );
    connections.give(conversation);
    return reply;
  }

  async function findFault(mail: OpenMail): Promise<Outcome | null> {
    const fault = { id: mail.id, outcome: null, retrySeconds: null };
    if (!isApproved(mail)) return { ...fault, status: 'blocked', code: 'content_changed' };
    try {
      for (const { sha256 } of mail.attachments) await readAttachment(files, sha256);
      return null;
    } catch (error) {
      if (error instanceof ObjectNotFound) return { ...fault, status: 'failed', code: 'attachment_missing' };
      if (error instanceof ContentChanged) return { ...fault, status: 'blocked', code: 'content_changed' };
      return { ...fault, status: 'scheduled', code: STORE_AWAY, retrySeconds: STORE_AWAY_SECONDS };
    }
  }
}

function outcomeOf(mail: OpenMail, reply: Reply): Outcome {
  const { id } = mail;
  switch (reply.kind) {
    case 'accepted':
      return { id, status: 'sent', outcome: 'delivered', code: null, retrySeconds: null };
    case 'unknown':
      return { id, status: 'failed', outcome: 'unknown', code: 'outcome_unknown', retrySeconds: null };
    case 'refused':
      if (!reply.permanent) return tryLater(mail, reply.code);
      return { id, status: 'failed', outcome: 'refused', code: reply.code, retrySeconds: null };
    case 'trouble':
      return reply.mayBeTheMail ? suspect(mail, reply.code) : waitForService(id);
    default:
      return assertNever(reply);
  }
}

function tryLater({ id, attempts }: OpenMail, code: string): Outcome {
  const again = retrySeconds(attempts + 1);
  if (again === null) return { id, status: 'failed', outcome: 'refused', code: 'gave_up', retrySeconds: null };
  return { id, status: 'scheduled', outcome: null, code, retrySeconds: again };
}

/** The second time it waits for itself, or one mail could make a service that works look broken for ever. */
function suspect(mail: OpenMail, reason: string): Outcome {
  const code = reason.startsWith('smtp_') ? reason : 'connection_lost';
  return mail.attempts === 0 ? { ...waitForService(mail.id), code } : tryLater(mail, code);
}

/** Due again as soon as the service is back. */
const waitForService = (id: string): Outcome => ({
  id,
  status: 'scheduled',
  outcome: null,
  code: null,
  retrySeconds: null,
});
