// Checkpoints: what a prune leaves behind, signed, so that the rest verifies without what is gone.
import type { Standing } from '../../ops/runtime/signing';
import type { Database } from '../../prisma/client';
import type { Head } from './seal';
import type { Signer, Verifier } from './signatures';

export interface Checkpoint extends Head {
  events: number;
  at: Date;
  /** The 8 bytes of the key's id, then the 64 of the signature; builds before that wrote the signature alone. */
  signature: Uint8Array;
  /** A code. */
  reason: string;
}

type Unsigned = Omit<Checkpoint, 'signature'>;

const KEY_ID_BYTES = 8;
const SIGNATURE_BYTES = 64;

/**
 * Returns the signature behind the id of its key. They share one column: `prune_audit` keeps its parameters, and with them the
 * grants that operators gave on it.
 */
export const signCheckpoint = (signer: Signer, checkpoint: Unsigned) =>
  Buffer.concat([Buffer.from(signer.keyId, 'hex'), signer.sign('checkpoint', statementOf(checkpoint))]);

/** @returns with it the id of the unknown key that it names */
export function checkCheckpoint(
  verifier: Verifier,
  checkpoint: Checkpoint,
): { standing: Standing; unknownKey: string | null } {
  const bytes = Buffer.from(checkpoint.signature);
  const isNamed = bytes.length === KEY_ID_BYTES + SIGNATURE_BYTES;
  const keyId = isNamed ? bytes.subarray(0, KEY_ID_BYTES).toString('hex') : null;
  const signature = isNamed ? bytes.subarray(KEY_ID_BYTES) : bytes;
  const standing = verifier.check('checkpoint', statementOf(checkpoint), signature, keyId);
  return { standing, unknownKey: standing === 'unknown_key' ? keyId : null };
}

const statementOf = ({ position, hash, events, at, reason }: Unsigned) => ({
  position: String(position),
  hash: Buffer.from(hash).toString('hex'),
  events,
  at: at.toISOString(),
  reason,
});

export const readCheckpoint = (db: Pick<Database, 'auditCheckpoint'>): Promise<Checkpoint | null> =>
  db.auditCheckpoint.findFirst({ orderBy: { position: 'desc' } });
