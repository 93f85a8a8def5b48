// The shape of what is stuck, whichever source knows it.

export interface StuckItem {
  /** The workflow's name. */
  process: string;
  /** The workflow's id; of a mail or a contact that waits for itself, the draft's. */
  id: string;
  workflowId: string;
  service: string;
  since: Date;
  attempts: number;
  code: string;
  nextAttemptAt: Date | null;
  /** The one that it may miss. */
  deadline: Date | null;
}

/** Of each source: whatever is stuck beyond that is said to be more. */
export const MOST_ITEMS = 200;
