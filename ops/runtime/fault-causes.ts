// Names what is away behind an error, so that everything that fails for it is one issue.
import { hasNoConnection, isDatabaseAway } from './database-away';

export const CAUSES = ['database_away', 'store_away', 'temporal_away'] as const;
export type Cause = (typeof CAUSES)[number];

/** By an error's name, or the type or message of a Temporal failure. */
const BY_WORD = new Map<string, Cause>([
  ['ObjectStoreError', 'store_away'],
  ['AnchorsUnavailable', 'store_away'],
  ['store_away', 'store_away'],
  ['journal_store_away', 'store_away'],
  ['database_away', 'database_away'],
]);
/** Of gRPC: the deadline has passed, access or the API key is refused, the server is away. */
const TEMPORAL_AWAY = [4, 7, 14, 16];
const DEEPEST = 4;

/** Looks into an error's causes too. Returns null for a fault of its own. */
export function causeOf(error: unknown, depth = 0): Cause | null {
  if (!(error instanceof Error) || depth > DEEPEST) return null;
  const { type = '', code, cause } = error as Error & { type?: unknown; code?: unknown };
  const known = [error.name, String(type), error.message].map((word) => BY_WORD.get(word)).find(Boolean);
  if (known) return known;
  if (TEMPORAL_AWAY.includes(code as number)) return 'temporal_away';
  if (hasNoConnection(error) || isDatabaseAway(error)) return 'database_away';
  return causeOf(cause, depth + 1);
}
