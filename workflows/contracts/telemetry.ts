// Defines how a workflow carries its trace, and what it tells the worker of itself, outside of its history.
import type { Sinks } from '@temporalio/workflow';

/** The header that carries a W3C trace context. Nobody else writes one of this name. */
export const TRACE_HEADER = 'countersign-traceparent';

/** Why a run failed, or why a task of it fails again and again. */
export interface WorkflowFailure {
  /** The class of the error, or the type of the Temporal failure behind it. */
  type: string;
  /** A code; absent if the failure has words instead. */
  code?: string;
  /** Of a fault in the workflow's own code. */
  stack?: string;
}

/** What a run did for one request; times in milliseconds since 1970. */
export interface WorkflowSegment {
  traceparent: string;
  startedAt: number;
  endedAt: number;
}

export interface TelemetrySinks extends Sinks {
  telemetry: {
    failed(failure: WorkflowFailure): void;
    worked(segment: WorkflowSegment): void;
  };
}
