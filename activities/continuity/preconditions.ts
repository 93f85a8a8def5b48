// Checks what must hold before a database is adopted as moved or as a clone.
import { isRewound, whyHeld } from '../../workflows/contracts/held-mail';
import { MAIL_LANE } from '../../workflows/contracts/lane';
import { readMarkInTemporal } from '../lane/watermark';
import { refusal } from '../restore/refusal';
import type { LookBackSources } from './look-back';
import { isOther, readNeighbours } from './neighbours';

type Sources = Omit<LookBackSources, 'verifier'>;

/** Refuses `--moved` for a database that lost commits. */
export function requireNothingLost(codes: readonly (string | null)[]): void {
  const lost = codes.find((code) => code !== null && isRewound(code));
  if (!lost) return;
  throw refusal('rewound', `Time was rewound: ${whyHeld(lost)}. Adopt it as what goes on: ops/restore.sh --adopt`);
}

/** Refuses a store without the erasure ledger: a restore could bring erased people back. */
export async function requireLedger({ db, ledger }: Sources): Promise<void> {
  const { ledgerPosition } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  if ((await ledger.head()) >= ledgerPosition) return;
  throw refusal(
    'ledger_missing',
    'The store under BACKUP_URL lacks the erasure ledger: copy erasure-ledger/, audit/ and journal/ from the store before.',
  );
}

/** Refuses a clone that would write into the store of the other installation, or take its tasks from Temporal. */
export async function requireOwnNeighbours(sources: Sources): Promise<void> {
  const now = await readNeighbours(sources);
  const { backupStoreId, temporalNamespaceId } = await sources.db.instance.findUniqueOrThrow({ where: { id: 1 } });
  // A database that was restored a moment ago does not remember its neighbours: then unused ones are its own.
  const hasOwnStore = backupStoreId ? isOther(backupStoreId, now.backupStoreId) : await isUnused(sources.backups);
  const hasOwnTemporal = temporalNamespaceId
    ? isOther(temporalNamespaceId, now.temporalNamespaceId)
    : (await readMarkInTemporal(sources.temporal, MAIL_LANE)) === null;
  const shared = [...(hasOwnStore ? [] : ['BACKUP_URL']), ...(hasOwnTemporal ? [] : ['TEMPORAL_NAMESPACE'])];
  if (shared.length === 0) return;
  throw refusal(
    'shares_neighbours',
    `It still uses what belongs to the one that it was copied from: give it its own ${shared.join(' and ')}, and start again.`,
  );
}

async function isUnused(backups: Sources['backups']): Promise<boolean> {
  for (const folder of ['audit/', 'journal/', 'erasure-ledger/']) {
    for await (const _ of backups.list(folder)) return false;
  }
  return true;
}
