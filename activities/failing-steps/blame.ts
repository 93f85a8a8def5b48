// Decides which service a failure is blamed on, and gives its code.
import { ApplicationFailure } from '@temporalio/common';
import { describeError } from '../../ops/runtime/logging';
import { ObjectStoreError } from '../../ops/runtime/object-store';
import { HUBSPOT_LANE } from '../../workflows/contracts/lane';
import { BACKUP_STORE, FILE_STORE } from '../../workflows/contracts/services';

export interface Blame {
  service: string;
  code: string;
}

/** A fault of Countersign itself, as far as anybody can tell. */
export const OURS = 'countersign';

/** A failure names its service by its code (user-erasure/stores/hubspot.ts, backup/troubles.ts) … */
const BY_CODE: [RegExp, string][] = [
  [/^hubspot_/, HUBSPOT_LANE],
  [/^(store_away|store_untrusted|credentials_refused|repository_unusable|pgbackrest_failed)$/, BACKUP_STORE],
  [/^database_away$/, 'postgresql'],
];
/** … or by its class … */
const BY_CLASS: [RegExp, string][] = [
  [/^(PrismaClient|DriverAdapter|DatabaseError)/, 'postgresql'],
  [/^(MaxRetriesPerRequestError|ReplyError|ClusterAllFailedError)$/, 'redis'],
  [/^(ServiceError|WorkflowUpdateRPCTimeoutOrCancelledError)$/, 'temporal'],
];
/** … or by the store that an erasure's step goes through. */
const BY_STORE: Record<string, string> = {
  attachments: FILE_STORE,
  hubspot: HUBSPOT_LANE,
  mailbox: 'mailbox',
  redis: 'redis',
  temporal: 'temporal',
};

export function blame(error: unknown, step: string): Blame {
  const { type, code: known } = describeError(error);
  const code = error instanceof ApplicationFailure ? (error.type ?? 'failed') : String(known ?? type);
  const told = code.replace(/[^A-Za-z0-9_.:-]/g, '_').slice(0, 100);
  if (error instanceof ObjectStoreError && error.service) return { service: error.service, code: told };
  const found = (table: [RegExp, string][], name: string) => table.find(([pattern]) => pattern.test(name))?.[1];
  const store = step.split('.')[1] ?? '';
  const service = found(BY_CODE, code) ?? found(BY_CLASS, String(type)) ?? BY_STORE[store] ?? OURS;
  return { service, code: told };
}
