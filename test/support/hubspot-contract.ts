// HubSpot's documented contract as far as it is used: which requests it takes. Sources: its reference of contacts, emails, batches
// (100 inputs), search (5 groups of 6 filters, 18 values), and associations.
import { z } from 'zod';

const MOST_INPUTS = 100;
const PAGING = { limit: z.number().int().min(1).max(200).optional(), after: z.string().optional() };
const Filter = z.union([
  z.strictObject({ propertyName: z.string(), operator: z.literal('EQ'), value: z.string() }),
  z.strictObject({
    propertyName: z.string(),
    operator: z.literal('IN'),
    values: z.array(z.string()).min(1).max(MOST_INPUTS),
  }),
]);
const properties = z.array(z.string()).optional();

export const Filtered = z.strictObject({
  filterGroups: z
    .array(z.strictObject({ filters: z.array(Filter).min(1).max(6) }))
    .min(1)
    .max(5),
  properties,
  ...PAGING,
});
export const FullText = z.strictObject({ query: z.string().min(1).max(3_000), properties, ...PAGING });
export const GdprDelete = z.strictObject({ objectId: z.string(), idProperty: z.literal('email').optional() });

/** HubSpot looks no further than whether it may be one. */
const address = z.string().regex(/^[^\s@]+@[^\s@]+\.[^\s@]+$/);
const Contact = z.strictObject({ properties: z.strictObject({ email: address, firstname: z.string().optional() }) });
export const NewContact = Contact;

const Email = z.strictObject({
  properties: z.strictObject({
    hs_timestamp: z.iso.datetime(),
    hs_email_direction: z.enum(['EMAIL', 'INCOMING_EMAIL', 'FORWARDED_EMAIL']),
    hs_email_status: z.enum(['BOUNCED', 'FAILED', 'SCHEDULED', 'SENDING', 'SENT']),
    hs_email_headers: z.string().refine((text) => 'from' in JSON.parse(text) && 'to' in JSON.parse(text)),
    hs_email_message_id: z.string(),
    hs_email_subject: z.string(),
    hs_email_text: z.string().max(65_536),
  }),
  associations: z
    .array(
      z.strictObject({
        to: z.strictObject({ id: z.string() }),
        types: z.array(
          z.strictObject({ associationCategory: z.literal('HUBSPOT_DEFINED'), associationTypeId: z.literal(198) }),
        ),
      }),
    )
    .min(1),
});
const Update = z.strictObject({
  id: z.string(),
  properties: z.strictObject({ hs_email_subject: z.string(), hs_email_text: z.string().max(65_536) }),
});
const batch = <T extends z.ZodType>(input: T) => z.strictObject({ inputs: z.array(input).min(1).max(MOST_INPUTS) });

export const ReadContacts = z.strictObject({
  idProperty: z.literal('email'),
  properties,
  inputs: z
    .array(z.strictObject({ id: z.string() }))
    .min(1)
    .max(MOST_INPUTS),
});
export const NewContacts = batch(Contact);
export const NewEmails = batch(Email);
export const EmailUpdates = batch(Update);
