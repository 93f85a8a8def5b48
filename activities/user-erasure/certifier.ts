// Certifies an erasure whose scan found nothing: into the ledger first, then the row, in one transaction that forgets who it was.

import type { Signer } from '../../ops/runtime/signing';
import type { Database, Prisma } from '../../prisma/client';
import type { Certification, ErasureState } from '../../workflows/contracts/user-erasure';
import { recordEvent } from '../commands/audit';
import type { CommandContext } from '../commands/context';
import type { Ledger, LedgerEntry } from '../erasure-ledger/ledger';
import { writeMessage } from '../outbox/outbox';
import { signCertificate, storesOf } from './certificate';
import { type ErasureRecord, readErasure, toState } from './erasure-record';
import { readSteps } from './erasure-view';
import type { RemainsReader } from './remains';

/** One appends to the ledger at a time. */
const LEDGER_LOCK = 7_305_217n;
/** The ledger may lie far away. */
const SLOW = { timeout: 60_000 };

export interface CertifierDependencies {
  db: Database;
  ledger: Ledger;
  signer: Signer;
  remains: RemainsReader;
}

/** This database does not know of entries that the ledger has: they come first. */
export class LedgerNotReplayed extends Error {
  override name = 'LedgerNotReplayed';
  readonly code = 'ledger_not_replayed';
}

export function createCertifier({ db, ledger, signer, remains }: CertifierDependencies) {
  return async function certify(
    { requestId, scan }: Certification,
    context: CommandContext,
  ): Promise<ErasureState | null> {
    const steps = await readSteps(db, requestId);
    // A store that can't be read fails this attempt: what remains is never guessed.
    const remainsAt = await remains();
    const certified = await db.$transaction(async (transaction) => {
      const tx = transaction as Database;
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LEDGER_LOCK})`;
      const record = await readErasure(tx, requestId, { lock: true });
      if (!record) return null;
      if (record.status !== 'scanning' && !(await lacksCertificate(tx, record))) return record;
      const entry = await enter(tx, record);
      const certificate = signCertificate(signer, {
        kind: 'countersign erasure certificate',
        requestId,
        subject: entry.subject[0] as string,
        requestedAt: record.requestedAt.toISOString(),
        begunAt: (record.begunAt ?? record.requestedAt).toISOString(),
        certifiedAt: entry.certifiedAt,
        stores: storesOf(steps),
        scan,
        ...remainsAt(new Date(entry.certifiedAt)),
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
    return certified && toState(certified);
  };

  /** An attempt that was cut off after it wrote into the ledger is gone on with. Nothing is written after an entry that this
   *  database does not know of. */
  async function enter(tx: Database, record: ErasureRecord): Promise<LedgerEntry> {
    if (record.status === 'certified') return findEntry(record.id);
    const { ledgerPosition } = await tx.instance.findUniqueOrThrow({ where: { id: 1 } });
    for await (const entry of ledger.entries(ledgerPosition)) {
      if (entry.requestId !== record.id) throw new LedgerNotReplayed();
      await tx.instance.update({ where: { id: 1 }, data: { ledgerPosition: entry.position } });
      return entry;
    }
    const subject = record.subjectHashes.map((hash) => Buffer.from(hash).toString('hex'));
    const entry = await ledger.append({ requestId: record.id, subject, certifiedAt: record.now.toISOString() });
    await tx.instance.update({ where: { id: 1 }, data: { ledgerPosition: entry.position } });
    return entry;
  }

  async function findEntry(requestId: string): Promise<LedgerEntry> {
    for await (const entry of ledger.entries()) if (entry.requestId === requestId) return entry;
    throw new LedgerNotReplayed();
  }
}

/** A worker that started meanwhile found the entry in the ledger and carried it out: the certificate is still to be written. */
async function lacksCertificate(tx: Database, { id, status }: ErasureRecord): Promise<boolean> {
  if (status !== 'certified') return false;
  const { certificate } = await tx.erasure.findUniqueOrThrow({ where: { id }, select: { certificate: true } });
  return certificate === null;
}
