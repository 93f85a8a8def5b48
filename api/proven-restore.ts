// When a drill has last proven that a restore works, for who looks at the service's health. Read in the background: the store
// of backups may be far away, and no answer waits for it.
import { lastProven } from '../activities/drill-reports';
import type { ObjectStore } from '../ops/runtime/object-store';
import type { Signer } from '../ops/runtime/signing';

const LOOKS_EACH_MS = 60_000;

export interface ProvenRestore {
  /** ISO 8601; null where none is known. */
  at(): string | null;
}

export function createProvenRestore(backups: ObjectStore, signer: Signer): ProvenRestore {
  let known: string | null = null;
  let looked = 0;
  const look = () => {
    looked = Date.now();
    lastProven(backups, signer).then(
      (report) => {
        known = report?.finishedAt ?? null;
      },
      // What was known last holds while the store is away.
      () => {},
    );
  };
  look();
  return {
    at() {
      if (Date.now() - looked > LOOKS_EACH_MS) look();
      return known;
    },
  };
}
