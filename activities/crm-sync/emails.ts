// Logs mails in HubSpot as emails on their recipients' contacts, finds those that are logged, and changes their words.
import { createObjects, MOST_INPUTS, readObjects, type Settle } from '../hubspot/batch';
import type { HubspotFailure, HubspotPost } from '../hubspot/client';
import { BODY_LENGTH, type OpenSync } from './claims';

const EMAILS = '/crm/v3/objects/emails';
/** HubSpot defines it: from an email to a contact. */
const EMAIL_TO_CONTACT = { associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 198 };
/** Unlike the address and the subject, HubSpot gives it back as it was set. */
const MESSAGE_ID = 'hs_email_message_id';
/** The first half of a character that a cut has split. */
const HALF = /[\uD800-\uDBFF]$/;
const GONE = 'hubspot_refused_404';

export interface LoggedMail {
  mail: OpenSync;
  contactId: string;
}

/** Returns the HubSpot ids of the mails with these message ids that HubSpot's search knows. It learns of a new one some seconds later. */
export async function findLogged(post: HubspotPost, messageIds: readonly string[]): Promise<Map<string, string>> {
  if (messageIds.length === 0) return new Map();
  // HubSpot compares the values of IN with the property in lower case.
  const values = messageIds.map((id) => id.toLowerCase());
  const found = await post(`${EMAILS}/search`, {
    filterGroups: [{ filters: [{ propertyName: MESSAGE_ID, operator: 'IN', values }] }],
    properties: [MESSAGE_ID],
    limit: MOST_INPUTS,
  });
  const ids = new Map(readObjects(found).map(({ id, properties }) => [properties[MESSAGE_ID]?.toLowerCase(), id]));
  return new Map(
    messageIds.flatMap((messageId) => {
      const id = ids.get(messageId.toLowerCase());
      return id === undefined ? [] : [[messageId, id]];
    }),
  );
}

/** Throws HubspotFailure if the service is at fault; mails that have not been settled by then may be logged. */
export function logMails(
  post: HubspotPost,
  from: string,
  mails: readonly LoggedMail[],
  settle: (messageId: string, result: Parameters<Settle>[1]) => void,
): Promise<void> {
  return createObjects(post, {
    path: `${EMAILS}/batch/create`,
    key: MESSAGE_ID,
    inputs: mails.map(({ mail: { to, messageId, sentAt, subject, body }, contactId }) => ({
      properties: {
        hs_timestamp: sentAt.toISOString(),
        hs_email_direction: 'EMAIL',
        hs_email_status: 'SENT',
        hs_email_headers: JSON.stringify({ from: { email: from }, to: [{ email: to }], cc: [], bcc: [] }),
        [MESSAGE_ID]: messageId,
        ...wordsOf({ subject, body }),
      },
      associations: [{ to: { id: contactId }, types: [EMAIL_TO_CONTACT] }],
    })),
    settle: ({ properties }, result) => settle(properties[MESSAGE_ID] as string, result),
  });
}

export interface NewWords {
  /** Of the email in HubSpot. */
  id: string;
  subject: string;
  body: string;
}

/** Replaces what HubSpot has. An email that is gone there needs nothing. Throws HubspotFailure if the service is at fault. */
export async function changeWords(post: HubspotPost, emails: readonly NewWords[]): Promise<void> {
  if (emails.length === 0) return;
  const half = Math.ceil(emails.length / 2);
  try {
    await post(`${EMAILS}/batch/update`, {
      inputs: emails.map(({ id, ...words }) => ({ id, properties: wordsOf(words) })),
    });
  } catch (error) {
    if (!isRefused(error)) throw error;
    if (half === emails.length) {
      if (error.code !== GONE) throw error;
      return;
    }
    await changeWords(post, emails.slice(0, half));
    await changeWords(post, emails.slice(half));
  }
}

const isRefused = (error: unknown): error is HubspotFailure =>
  (error as Partial<HubspotFailure> | null)?.kind === 'request';

const wordsOf = ({ subject, body }: { subject: string; body: string }) => ({
  hs_email_subject: subject,
  hs_email_text: body.slice(0, BODY_LENGTH).replace(HALF, ''),
});
