// Defines what a lane says of itself. The protocol is the same for all of them (attempt.ts; docs/architecture.md); what differs is here.
import type { LaneClaims } from './claims';
import type { Carried } from './senders';

export interface LaneOwner {
  claims: LaneClaims;
  /** Carries out one claimed item, and records what became of it at once. Throws ServiceTrouble, or what the database threw. */
  carryOut(id: string): Promise<Carried>;
}

export interface Lane {
  /** Of its workflow's id, of its row in `lanes`, and of its task queue. */
  name: string;
  /** How many items may be under way at once. */
  mostAtOnce: number;
  /** How long one item may take while the service answers, in ms. */
  slowestMs: number;
  /** Whether claims are kept beside the backups too. False where the service itself can say what it has been given. */
  isArchived: boolean;
  /**
   * Starts an attempt.
   * @param opened the items that this attempt may have opened
   * @param ending aborted when this attempt is to end: nobody waits for a service that has not been asked for anything yet
   */
  begin(owner: string, opened: Set<string>, ending: AbortSignal): LaneOwner;
  /** Asks the service for a sign of life. Throws ServiceTrouble. */
  probe(ending: AbortSignal): Promise<void>;
  /** Closes what is open to the service and free. */
  disconnect(): void;
}
