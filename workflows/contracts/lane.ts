// Defines the messages of a lane: one workflow for one external service, however many items wait for it.
import { defineQuery, defineSignal } from '@temporalio/workflow';

export const MAIL_LANE = 'email';
export const HUBSPOT_LANE = 'hubspot';
export const laneId = (lane: string) => `lane-${lane}`;

/** Why the service fails, since when, and when it is tried next; times ISO 8601. */
export interface LaneTrouble {
  code: string;
  since: string;
  failures: number;
  nextAttemptAt: string;
}

/** How far a lane has come. A database that knows less than Temporal or the journal has gone back in time. */
export interface Watermark {
  /** Of the database's life: the later one is ahead. */
  generation: number;
  /** How often the lane has claimed items in all its lives. */
  claims: number;
}

/** Written to the history before the first of these items goes out. */
export interface Claimed {
  /** The ids of one batch, 16 bytes each, together in base64. Empty in a mere report. */
  ids: string;
  /** Items due now, this batch among them. */
  due: number;
  /** Items carried out by the lane since it exists. */
  sent: number;
  trouble: LaneTrouble | null;
  /** With this batch; absent in what an older build wrote. */
  mark?: Watermark;
  /** Absent while the lane may work. */
  held?: Held;
}

/** All mail of this database is held. */
export interface Held {
  /** What was found (held-mail.ts), or `restore`. */
  code: string;
  /** ISO 8601; null for a restore. */
  since: string | null;
}

/** Ids only: the reason that an operator gives lies in PostgreSQL (`operator_notes`). */
export interface OperatorCall {
  /** The principal's id. */
  actor: string;
  /** The id of the note that holds the reason; absent where the operator gave none. */
  note?: string;
}

export interface Paused extends OperatorCall {
  /** ISO 8601. */
  since: string;
}

/** Plain JSON, carried across continue-as-new. */
export interface LaneInput {
  paused?: Paused | null;
  report?: LaneReport | null;
}

export type LaneReport = Omit<Claimed, 'ids'> & { at: string };

export interface LaneState {
  paused: Paused | null;
  report: LaneReport | null;
}

/** Why the activity returned: it goes on in a new run. */
export interface LaneResult {
  reason: 'claims' | 'time' | 'idle' | 'healed' | 'shutdown' | 'signals';
  sent: number;
}

export const claimed = defineSignal<[Claimed]>('claimed');
export const pause = defineSignal<[OperatorCall]>('pause');
export const resume = defineSignal<[OperatorCall]>('resume');
export const retryNow = defineSignal<[OperatorCall]>('retryNow');
export const state = defineQuery<LaneState>('state');
