// Carries out a batch of the HubSpot lane: opened in the database, logged in HubSpot, and recorded at once.
import { joined } from '../../ops/runtime/joined';
import { HubspotFailure, type HubspotPost, leftOut } from '../hubspot/client';
import type { Carried } from '../lane/senders';
import { ServiceTrouble } from '../lane/service-trouble';
import { untilDone } from '../lane/until-done';
import { toMailAddress } from '../mail-delivery/mail-address';
import { retrySeconds } from '../mail-delivery/retries';
import type { OpenSync, SyncClaims, SyncOutcome } from './claims';
import { findOrCreateContacts } from './contacts';
import { findLogged, type LoggedMail, logMails } from './emails';

/** HubSpot found fault with the input itself; of any other refusal the next attempt may be taken. */
const FOR_GOOD = ['hubspot_refused_400', 'hubspot_refused_413', 'hubspot_refused_422'];

export interface SyncDependencies {
  claims: SyncClaims;
  post: HubspotPost;
  /** The sender's address. */
  from: string;
  /** The drafts that this attempt may have opened. */
  opened: Set<string>;
}

type Settled = Pick<SyncOutcome, 'status' | 'code' | 'retrySeconds' | 'hubspotId'>;

export function createSync({ claims, post, from, opened }: SyncDependencies): (id: string) => Promise<Carried> {
  const carryOut = joined(async (ids: readonly string[]) => {
    for (const id of ids) opened.add(id);
    const mails = await claims.open([...ids]);
    const known = new Set(mails.map(({ id }) => id));
    const left = ids.filter((id) => !known.has(id));
    if (left.length > 0) await claims.postpone(left);
    for (const id of left) opened.delete(id);
    const { outcomes, trouble } = await log(mails);
    await untilDone(() => claims.record(outcomes));
    for (const id of known) opened.delete(id);
    if (trouble) throw toTrouble(trouble);
    const logged = new Set(outcomes.filter(({ status }) => status === 'logged').map(({ id }) => id));
    return ids.map((id): Carried => (logged.has(id) ? 'sent' : known.has(id) ? 'answered' : 'gone'));
  });
  return carryOut;

  async function log(mails: OpenSync[]): Promise<{ outcomes: SyncOutcome[]; trouble: HubspotFailure | null }> {
    const settled = new Map<string, Settled>();
    /** Those that HubSpot has been asked to log, whatever it answers. */
    const asked = new Set<string>();
    let trouble: HubspotFailure | null = null;
    try {
      const ready = await prepare(mails, settled);
      for (const { mail } of ready) asked.add(mail.id);
      const byMessageId = new Map(ready.map(({ mail }) => [mail.messageId, mail]));
      await logMails(post, from, ready, (messageId, result) => {
        const mail = byMessageId.get(messageId) as OpenSync;
        settled.set(mail.id, typeof result === 'string' ? logged(result) : refused(mail, result));
      });
    } catch (error) {
      if (!(error instanceof HubspotFailure)) throw error;
      trouble = error;
    }
    const outcomes = mails.map((mail): SyncOutcome => {
      const maybeLogged = asked.has(mail.id) && trouble !== null && !trouble.isUndone;
      return { id: mail.id, maybeLogged, ...(settled.get(mail.id) ?? waiting(mail, mails.length, trouble)) };
    });
    return { outcomes, trouble };
  }

  /** Settles those that HubSpot has already, or whose contact it refuses; returns the others with their contacts. */
  async function prepare(mails: OpenSync[], settled: Map<string, Settled>): Promise<LoggedMail[]> {
    if (mails.length === 0) return [];
    const doubtful = mails.filter(({ maybeLogged }) => maybeLogged).map(({ messageId }) => messageId);
    const found = await findLogged(post, doubtful);
    for (const { id, messageId } of mails) {
      const hubspotId = found.get(messageId);
      if (hubspotId !== undefined) settled.set(id, logged(hubspotId));
    }
    const missing = mails.filter(({ id }) => !settled.has(id)).map((mail) => ({ ...mail, to: toMailAddress(mail.to) }));
    if (missing.length === 0) return [];
    const contacts = await findOrCreateContacts(post, [...new Set(missing.map(({ to }) => to))]);
    return missing.flatMap((mail) => {
      const contact = contacts.get(mail.to.toLowerCase());
      if (typeof contact === 'string') return [{ mail, contactId: contact }];
      settled.set(mail.id, refused(mail, contact ?? leftOut()));
      return [];
    });
  }
}

export const toTrouble = ({ code, retryAfterMs }: HubspotFailure) => new ServiceTrouble(code, retryAfterMs);

const logged = (hubspotId: string): Settled => ({ status: 'logged', code: null, retrySeconds: null, hubspotId });

function refused({ attempts }: OpenSync, { code }: HubspotFailure): Settled {
  const again = FOR_GOOD.includes(code) ? null : retrySeconds(attempts + 1);
  if (again === null) return { status: 'failed', code, retrySeconds: null, hubspotId: null };
  return { status: 'waiting', code, retrySeconds: again, hubspotId: null };
}

/** A probe that HubSpot answers with an error may be at fault itself: the second time it waits for itself, or one mail could make a
 *  service that works look broken for ever. */
function waiting({ attempts }: OpenSync, together: number, trouble: HubspotFailure | null): Settled {
  const free: Settled = { status: 'waiting', code: null, retrySeconds: null, hubspotId: null };
  if (together > 1 || trouble?.kind !== 'either') return free;
  return { ...free, code: trouble.code, retrySeconds: attempts === 0 ? null : retrySeconds(attempts + 1) };
}
