// Takes a client's own request id so strictly that neither an address nor a secret can reach the log through it.
import { addressesIn } from '../activities/personal-data/mentions';

/** Keys, session tokens and hashes have 43 characters or more, so none of them fits. */
const WELL_FORMED = /^[A-Za-z0-9._-]{1,42}$/;

/** Returns the id, or null if it is not well-formed. An address that is written in hex or base64 is refused too. */
export function clientRequestId(given: string | string[] | undefined): string | null {
  if (typeof given !== 'string' || !WELL_FORMED.test(given)) return null;
  return addressesIn(given).size === 0 ? given : null;
}
