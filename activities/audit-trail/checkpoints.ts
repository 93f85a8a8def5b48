// Checkpoints: what a prune leaves behind, signed, so that the rest verifies without what is gone.
import type { Database } from '../../prisma/client';
import type { Head } from './seal';
import type { Signer, Verifier } from './signatures';

export interface Checkpoint extends Head {
  events: number;
  at: Date;
  signature: Uint8Array;
  /** A code. */
  reason: string;
}

type Unsigned = Omit<Checkpoint, 'signature'>;

export const signCheckpoint = (signer: Signer, checkpoint: Unsigned) =>
  signer.sign('checkpoint', statementOf(checkpoint));

export const isGenuine = (verifier: Verifier, checkpoint: Checkpoint) =>
  verifier.verifies('checkpoint', statementOf(checkpoint), checkpoint.signature);

const statementOf = ({ position, hash, events, at, reason }: Unsigned) => ({
  position: String(position),
  hash: Buffer.from(hash).toString('hex'),
  events,
  at: at.toISOString(),
  reason,
});

export const readCheckpoint = (db: Pick<Database, 'auditCheckpoint'>): Promise<Checkpoint | null> =>
  db.auditCheckpoint.findFirst({ orderBy: { position: 'desc' } });
