// Recognises the URL of a backup set as a client or an operator gives it.
import { parseUrl } from '../runtime/parse-url';

/** What a place below BACKUP_URL has no use for: credentials, an address, a query. */
const FOREIGN = /@|%40|[?#\s]/i;

/** The URL goes into Temporal's history as it is, and no erasure reaches it there: so it may hold nothing but a place. */
export const isSetUrl = (given: string, protocols: readonly string[]): boolean =>
  protocols.includes(parseUrl(given)?.protocol ?? '') && !FOREIGN.test(given);
