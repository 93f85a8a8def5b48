// Certifies an erasure whose scan found nothing: into the ledger first, then the row, in one transaction that forgets who it was.

import type { Signer } from '../../ops/runtime/signing';
import type { Database, Prisma } from '../../prisma/client';
import type { Certification, ErasureState } from '../../workflows/contracts/user-erasure';
import { recordEvent } from '../commands/audit';
import type { CommandContext } from '../commands/context';
import type { Ledger } from '../erasure-ledger/ledger';
import { writeMessage } from '../outbox/outbox';
import { signCertificate, storesOf } from './certificate';
import { type ErasureRecord, readErasure, readSteps, toState } from './erasure-record';

const DAY_MS = 86_400_000;
/** One appends to the ledger at a time. */
const LEDGER_LOCK = 7_305_217n;
/** The ledger may lie far away. */
const SLOW = { timeout: 60_000 };

export interface CertifierDependencies {
  db: Database;
  ledger: Ledger;
  signer: Signer;
  backupRetentionDays: number;
}

/** This database does not know of entries that the ledger has: they come first. */
export class LedgerNotReplayed extends Error {
  override name = 'LedgerNotReplayed';
  readonly code = 'ledger_not_replayed';
}

export function createCertifier({ db, ledger, signer, backupRetentionDays }: CertifierDependencies) {
  return async function certify({ requestId, scan }: Certification, context: CommandContext): Promise<ErasureState> {
    const steps = await readSteps(db, requestId);
    const certified = await db.$transaction(async (transaction) => {
      const tx = transaction as Database;
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LEDGER_LOCK})`;
      const record = (await readErasure(tx, requestId, { lock: true })) as ErasureRecord;
      if (record.status !== 'scanning') return record;
      const certifiedAt = record.now.toISOString();
      const subject = record.subjectHashes.map((hash) => Buffer.from(hash).toString('hex'));
      const entry = await ledger.append({ requestId, subject, certifiedAt });
      const { ledgerPosition } = await tx.instance.findUniqueOrThrow({ where: { id: 1 } });
      if (ledgerPosition < entry.position - 1) throw new LedgerNotReplayed();
      await tx.instance.update({ where: { id: 1 }, data: { ledgerPosition: entry.position } });
      const certificate = signCertificate(signer, {
        kind: 'countersign erasure certificate',
        requestId,
        subject: subject[0] as string,
        requestedAt: record.requestedAt.toISOString(),
        begunAt: (record.begunAt ?? record.requestedAt).toISOString(),
        certifiedAt: entry.certifiedAt,
        stores: storesOf(steps),
        scan,
        backupsUntil: new Date(Date.parse(entry.certifiedAt) + backupRetentionDays * DAY_MS).toISOString(),
        ledger: { position: entry.position, hash: entry.hash },
      });
      await tx.erasure.update({
        where: { id: requestId },
        data: {
          status: 'certified',
          version: { increment: 1 },
          activeHash: null,
          sealed: null,
          endedAt: record.now,
          certificate: certificate as unknown as Prisma.InputJsonObject,
        },
      });
      await recordEvent(tx, context, {
        type: 'erasure.certified',
        subject: 'erasure',
        subjectId: requestId,
        data: { ledgerPosition: entry.position },
      });
      const changed = (await readErasure(tx, requestId)) as ErasureRecord;
      await writeMessage(tx, { process: 'userErasure', entityId: requestId, state: toState(changed) });
      return changed;
    }, SLOW);
    return toState(certified);
  };
}
