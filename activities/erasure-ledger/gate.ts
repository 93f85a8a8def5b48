// Whether every erasure of the ledger has been carried out on this database: nobody may be brought back by a restore.
import type { Ledger } from './ledger';

/** How often the ledger, which may lie far away, is asked for its end. */
const HEAD_KEPT_MS = 10_000;
/** A certificate is on its way from the ledger into the row. */
const RECORDED_WITHIN_MS = 10_000;

export interface LedgerGate {
  /** @param position how far this database is. @returns null when it may open, else in a few words why not */
  trouble(position: number): Promise<string | null>;
}

export function createLedgerGate(ledger: Pick<Ledger, 'head'>): LedgerGate {
  let known: { head: number; until: number } | null = null;
  /** Where this database was seen last, and since when the ledger has been ahead of it. */
  let seen: { position: number; behindSince: number } | null = null;

  async function headOfLedger(): Promise<number | null> {
    if (known && known.until > Date.now()) return known.head;
    try {
      known = { head: await ledger.head(), until: Date.now() + HEAD_KEPT_MS };
    } catch {
      // What was known last holds while the store is away; it only ever grows.
      if (known) known.until = Date.now() + HEAD_KEPT_MS;
    }
    return known?.head ?? null;
  }

  return {
    async trouble(position) {
      const head = await headOfLedger();
      if (head === null) return 'the erasure ledger cannot be read';
      const behind = head - position;
      if (behind <= 0) {
        seen = { position, behindSince: 0 };
        return null;
      }
      // An entry that was just written is recorded in a moment; a database that has gone back, or that nobody has seen in
      // step with the ledger yet, is another matter.
      if (seen && behind === 1 && position === seen.position) {
        seen.behindSince ||= Date.now();
        if (Date.now() - seen.behindSince < RECORDED_WITHIN_MS) return null;
      }
      return `${behind} erasure(s) to carry out again`;
    },
  };
}
