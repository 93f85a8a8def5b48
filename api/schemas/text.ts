// Text that PostgreSQL, a mail header and a JSON document can all hold.
import { domainToASCII } from 'node:url';
import { z } from 'zod';

const NUL_OR_HALF_CHARACTER = /\0|\p{Surrogate}/u;
const MORE_THAN_ONE_LINE = /[\p{Cc}\u2028\u2029]/u;

/** Not empty, up to `most` characters as people count them. */
export const text = (most: number) => checked(most, (value) => textFault(value, most));
/** The same without line breaks and other control characters. */
export const line = (most: number) =>
  checked(most, (value) =>
    MORE_THAN_ONE_LINE.test(value) ? 'must be one line without control characters' : textFault(value, most),
  );

export const address = () =>
  z
    .string()
    .check(faultCheck(addressFault))
    .meta({ format: 'email', maxLength: LONGEST, example: 'ada@customer.example' });

export const uuid = () => z.string().regex(UUID, { error: 'must be a UUID' }).toLowerCase().meta({ format: 'uuid' });
export const UUID = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

const EARLIEST = Date.UTC(1970, 0);
/** What comes after it has a year of five digits, which neither PostgreSQL's client nor ISO 8601 reads back. */
export const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** ISO 8601 with its offset from UTC. */
export const instant = () =>
  z.iso
    .datetime({ offset: true, error: 'must be a time in ISO 8601 with its offset, like 2026-01-23T21:58:28Z' })
    .refine((value) => !(Date.parse(value) < EARLIEST || Date.parse(value) > LATEST), {
      error: 'must lie in the years 1970 to 9999',
    });

function checked(most: number, fault: (value: string) => string | null) {
  return z.string().check(faultCheck(fault)).meta({ minLength: 1, maxLength: most });
}

function faultCheck(fault: (value: string) => string | null) {
  return (check: z.core.ParsePayload<string>) => {
    const message = fault(check.value);
    if (message) check.issues.push({ code: 'custom', message, input: check.value });
  };
}

function textFault(value: string, most: number): string | null {
  if (value.trim() === '') return 'must not be empty';
  if (NUL_OR_HALF_CHARACTER.test(value)) return 'must be text without NUL and without halves of characters';
  if (value.length > most && [...value].length > most) return `must have ${most} characters or fewer`;
  return null;
}

const LOCAL_PART = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
const DOMAIN = /^[\p{L}\p{M}\p{N}.-]+$/u;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;
/** RFC 5321, 4.5.3.1.3, without the angle brackets. */
const LONGEST = 254;
const BARE = 'must be one bare e-mail address, like ada@customer.example';

function addressFault(value: string): string | null {
  const [local = '', domain = '', ...more] = value.split('@');
  if (more.length > 0 || value.length > LONGEST || local.length > 64 || !LOCAL_PART.test(local) || !DOMAIN.test(domain))
    return BARE;
  // So it is sent, and it may be longer.
  const ascii = domainToASCII(domain);
  if (local.length + 1 + ascii.length > LONGEST) return BARE;
  const labels = ascii.split('.');
  const isDomain =
    labels.length > 1 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '');
  return isDomain ? null : BARE;
}
