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
  /** Runs `act`, which answers a request, in a trace that begins with it. Returns what ends the request. */
  begin(act: () => void): (request: AnsweredRequest) => void;
  /** Runs `act` as a segment of that trace; without a trace just runs it. */
  trace<T>(traceparent: string | null, segment: Segment, act: () => Promise<T>): Promise<T>;
  /** Adds a segment that is over to that trace; times in milliseconds since 1970. */
  record(traceparent: string, segment: Segment, times: { startedAt: number; endedAt: number }): void;
  /** Notes a query in the segment at work. Returns what ends it. */
  query(): () => void;
  /** Sends what waits, for two seconds at most. */
  close(): Promise<unknown>;
}

export interface AnsweredRequest {
  method: string;
  /** The pattern. */
  route: string;
  status: number;
}

const nothing = () => {};

export const NO_TELEMETRY: Telemetry = {
  isOn: false,
  report: nothing,
  begin(act) {
    act();
    return nothing;
  },
  trace: (_traceparent, _segment, act) => act(),
  record: nothing,
  query: () => nothing,
  close: async () => {},
};
