// Defines how errors and traces are reported. Without SENTRY_DSN nothing is (sentry.ts reports).
import type { FaultContext } from './faults';

/** One piece of work in a trace. */
export interface Segment {
  /** In our own constant words. */
  name: string;
  op: 'temporal.message' | 'temporal.workflow' | 'temporal.activity' | 'mail.send';
  workflowId?: string | undefined;
  draftId?: string | undefined;
}

export interface Telemetry {
  /** Whether anything listens: else no interceptor is installed. */
  isOn: boolean;
  /** Reports at once what nobody expected. */
  report(error: unknown, context?: FaultContext): void;
  /** Returns the W3C trace context of the request that is being answered; null while off. */
  traceparent(): string | null;
  /** Runs `act` as a segment of that trace; without a trace just runs it. */
  trace<T>(traceparent: string | null, segment: Segment, act: () => Promise<T>): Promise<T>;
  /** Adds a segment that is over to that trace; times in milliseconds since 1970. */
  record(traceparent: string, segment: Segment, times: { startedAt: number; endedAt: number }): void;
  /** Sends what waits, for two seconds at most. */
  close(): Promise<unknown>;
}

export const NO_TELEMETRY: Telemetry = {
  isOn: false,
  report: () => {},
  traceparent: () => null,
  trace: (_traceparent, _segment, act) => act(),
  record: () => {},
  close: async () => {},
};
