// Checks what must hold before a database is adopted as moved or as a clone.
import { ApplicationFailure } from '@temporalio/common';
import { isRewound, whyHeld } from '../../workflows/contracts/held-mail';
import { MAIL_LANE } from '../../workflows/contracts/mail-delivery';
import { REFUSED } from '../../workflows/contracts/recovery-progress';
import { readMarkInTemporal } from '../mail-delivery/watermark';
import type { LookBackSources } from './look-back';
import { isOther, readNeighbours } from './neighbours';

type Sources = Omit<LookBackSources, 'verifier'>;

export const refuse = (code: string, message: string) => ApplicationFailure.nonRetryable(message, code, REFUSED);

/** Refuses `--moved` for a database that lost commits. */
export function requireNothingLost(codes: readonly (string | null)[]): void {
  const lost = codes.find((code) => code !== null && isRewound(code));
  if (!lost) return;
  throw refuse('rewound', `Time was rewound: ${whyHeld(lost)}. Adopt it as what goes on: ops/restore.sh --adopt`);
}

/** Refuses a store without the erasure ledger: a restore could bring erased people back. */
export async function requireLedger({ db, ledger }: Sources): Promise<void> {
  const { ledgerPosition } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  if ((await ledger.head()) >= ledgerPosition) return;
  throw refuse(
    'ledger_missing',
    'The store under BACKUP_URL lacks the erasure ledger: copy erasure-ledger/, audit/ and journal/ from the store before.',
  );
}

/** Refuses a clone that would write into the store of the other installation, or take its tasks from Temporal. */
export async function requireOwnNeighbours(sources: Sources): Promise<void> {
  const shared = [
    ...((await hasOwnStore(sources)) ? [] : ['BACKUP_URL']),
    ...((await hasOwnTemporal(sources)) ? [] : ['TEMPORAL_NAMESPACE']),
  ];
  if (shared.length === 0) return;
  throw refuse(
    'shares_neighbours',
    `It still uses what belongs to the one that it was copied from: give it its own ${shared.join(' and ')}, and start again.`,
  );
}

/** A database that was restored a moment ago does not remember its store: then an unused one is its own. */
async function hasOwnStore(sources: Sources): Promise<boolean> {
  const { backupStoreId } = await sources.db.instance.findUniqueOrThrow({ where: { id: 1 } });
  const now = await readNeighbours(sources);
  if (backupStoreId !== null) return isOther(backupStoreId, now.backupStoreId);
  for (const folder of ['audit/', 'journal/', 'erasure-ledger/']) {
    for await (const _ of sources.backups.list(folder)) return false;
  }
  return true;
}

async function hasOwnTemporal(sources: Sources): Promise<boolean> {
  const { temporalNamespaceId } = await sources.db.instance.findUniqueOrThrow({ where: { id: 1 } });
  const now = await readNeighbours(sources);
  if (temporalNamespaceId !== null) return isOther(temporalNamespaceId, now.temporalNamespaceId);
  return (await readMarkInTemporal(sources.temporal, MAIL_LANE)) === null;
}
