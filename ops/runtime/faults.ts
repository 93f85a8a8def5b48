// Publishes faults that are retried to whoever listens: Sentry, if it is on. Costs nothing where nobody does.
import { channel } from 'node:diagnostics_channel';

/** A pause before this attempt is longer than a restart or a failover of what was asked. */
export const REPORTED_AT_ATTEMPT = 5;

export interface Fault {
  /** The event or step that fails, in our own constant words: it names the issue. */
  name: string;
  error: unknown;
  /** Failed attempts in a row. Absent if nobody counts them: then the listener counts seconds with a failure.
   *  `permanent`: nobody tries again. */
  attempts?: number | 'permanent';
  /** Ids and codes only. */
  context?: FaultContext;
}

export interface FaultContext {
  requestId?: string | undefined;
  /** Method and pattern. */
  route?: string | undefined;
  /** The principal's id. */
  principal?: string | undefined;
  workflowType?: string | undefined;
  workflowId?: string | undefined;
  draftId?: string | undefined;
  activity?: string | undefined;
  attempt?: number | undefined;
  /** Absent: the error's own. */
  code?: string | undefined;
}

const faults = channel('countersign:faults');

export function noteFault(fault: Fault): void {
  if (faults.hasSubscribers) faults.publish(fault);
}

/** Returns what ends it. */
export function onFault(listen: (fault: Fault) => void): () => void {
  const hear = (fault: unknown) => listen(fault as Fault);
  faults.subscribe(hear);
  return () => faults.unsubscribe(hear);
}
