// What says that a person is gone, and until when a backup may still hold them: signed JSON, and the same as a page.
import { checkJson, type Signed, type Signer, type Standing, signJson } from '../../ops/runtime/signing';
import type { ScanSummary } from '../../workflows/contracts/user-erasure';
import type { StepView } from './erasure-view';
import type { BackupsThatRemain, ClusterThatRemains } from './remains';

export interface Certificate {
  kind: 'countersign erasure certificate';
  requestId: string;
  /** The active keyed hash of the address, in hex: whoever knows the address can have it checked. */
  subject: string;
  requestedAt: string;
  begunAt: string;
  certifiedAt: string;
  stores: { store: string; erased: number; anonymised: number }[];
  scan: ScanSummary;
  /** The last day on which a backup may hold the person; null where none can be promised, for the reason in `backups`. */
  backupsUntil: string | null;
  /** Absent, like the next one, in certificates of builds that did not know it. */
  backups?: BackupsThatRemain;
  /** Databases that restores left behind, and that may hold the person. */
  keptForUndo?: ClusterThatRemains[];
  ledger: { position: number; hash: string };
}

export type SignedCertificate = { certificate: Certificate } & Signed;

export function signCertificate(signer: Signer, certificate: Certificate): SignedCertificate {
  return { certificate, ...signJson(signer, certificate) };
}

export const checkCertificate = (signer: Signer, { certificate, ...signed }: SignedCertificate): Standing =>
  checkJson(signer, certificate, signed);

const STORES: readonly string[] = ['postgres', 'attachments', 'redis', 'hubspot', 'mailbox', 'temporal'];
export const storesOf = (steps: StepView[]): Certificate['stores'] =>
  steps
    .filter(({ step }) => STORES.includes(step))
    .map(({ step, erased, anonymised }) => ({ store: step, erased, anonymised }));
