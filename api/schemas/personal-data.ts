// Erasures, exports and legal holds as they come in and go out.
import { z } from 'zod';
import { EXPORT_STATUSES } from '../../workflows/contracts/person-export';
import { ERASURE_STATUSES, ERASURE_STEPS } from '../../workflows/contracts/user-erasure';
import { remark } from './draft';
import { listOf, pageQuery, queryText } from './page';
import { address, instant, uuid } from './text';

const MOST_HOURS = 24 * 31;
const DURATION = /^P(?:(\d{1,2})W|(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,7})S)?)?)$/;

/** ISO 8601 in weeks, days, hours, minutes and seconds: what is shorter than a month is as long everywhere. */
const grace = () =>
  z
    .string()
    .refine((value) => DURATION.test(value) && /\d/.test(value), {
      error: 'must be an ISO 8601 duration in days, hours, minutes and seconds, like PT24H; PT0S begins at once',
    })
    .meta({ default: 'PT24H', example: 'PT24H', description: `At most P${MOST_HOURS / 24}D` });

export const NewErasure = z.strictObject({ email: address(), grace: grace().optional() }).meta({ id: 'NewErasure' });
export const ErasureQuery = z.strictObject({ grace: queryText(grace()) });
export const Subject = z.strictObject({ email: address() }).meta({ id: 'Subject' });
export const Extension = z.strictObject({ reason: remark() }).meta({ id: 'Extension' });

const PreviewEntry = z.object({
  store: z.string(),
  erase: z.int(),
  anonymise: z.int(),
  withhold: z.int(),
  ground: z.enum(['legal_hold', 'unavailable']).nullable(),
});
const time = z.iso.datetime();

export const Erasure = z
  .object({
    requestId: uuid(),
    workflowId: z.string(),
    status: z.enum(ERASURE_STATUSES),
    preview: z
      .array(PreviewEntry)
      .nullable()
      .meta({ description: 'What each store holds. Null at first: it follows at `GET /api/gdpr/erasures/{id}`.' }),
    requestedAt: time,
    graceUntil: time,
    confirmedAt: time.nullable(),
    begunAt: time.nullable(),
    deadline: time,
    extension: z.object({ until: time, reason: z.string() }).nullable(),
    steps: z.array(
      z.object({
        step: z.enum(ERASURE_STEPS),
        startedAt: time,
        finishedAt: time.nullable(),
        erased: z.int(),
        anonymised: z.int(),
        withheld: z.int(),
      }),
    ),
    nextScanAt: time.nullable().meta({
      description: 'Large stores are scanned at most each SCAN_INTERVAL: when the next scan may begin',
    }),
    endedAt: time.nullable(),
    failure: z.string().nullable(),
  })
  .meta({ id: 'Erasure', description: 'It never says whom it is about.' });
export const ErasureList = listOf(Erasure).meta({ id: 'ErasureList' });
export const ListQuery = z.strictObject(pageQuery);

export const Certificate = z
  .object({ certificate: z.record(z.string(), z.unknown()), signature: z.string(), publicKey: z.string() })
  .meta({ id: 'ErasureCertificate', description: 'Ed25519 over the certificate as JSON with sorted keys.' });

export const ExportStatus = z
  .object({
    id: uuid(),
    status: z.enum(EXPORT_STATUSES),
    createdAt: time,
    expiresAt: time
      .nullable()
      .meta({ description: 'The content can be read until then. Null unless it has been ready' }),
    size: z.int().nullable().meta({ description: 'Of the document, in bytes' }),
    items: z.int().nullable(),
    failure: z.string().nullable().meta({ description: 'A code', example: 'hubspot_away' }),
  })
  .meta({ id: 'Export', description: 'It never says whom it is about.' });

export const Export = z
  .object({
    generatedAt: time,
    stores: z.array(z.object({ store: z.string(), items: z.array(z.record(z.string(), z.unknown())) })),
  })
  .meta({ id: 'PersonalDataExport' });

export const NewHold = z
  .strictObject({
    email: address().optional(),
    draftId: uuid().optional(),
    reason: remark(),
    until: instant().optional(),
  })
  .refine(({ email, draftId }) => (email === undefined) !== (draftId === undefined), {
    path: ['email'],
    error: 'name a person by `email`, or a draft by `draftId`: one of them',
  })
  .meta({ id: 'NewHold' });
export const Hold = z
  .object({
    id: uuid(),
    kind: z.enum(['person', 'draft']),
    draftId: uuid().nullable(),
    reason: z.string(),
    until: time.nullable(),
    createdAt: time,
    releasedAt: time.nullable(),
  })
  .meta({ id: 'LegalHold' });
export const HoldList = listOf(Hold).meta({ id: 'LegalHoldList' });
