// Carries the W3C trace context of the request or step at work to what it calls and writes. Empty unless Sentry is on.
import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<string>();

/** Returns a `traceparent`; null outside of a trace. A batch made of several callers must not ask: it runs as one of them. */
export const currentTraceparent = (): string | null => storage.getStore() ?? null;

/** Runs `act` within that trace; null leaves it in the trace that it is in. */
export const withTraceparent = <T>(traceparent: string | null, act: () => T): T =>
  traceparent === null ? act() : storage.run(traceparent, act);

export interface TraceContext {
  traceId: string;
  parentSpanId: string;
  sampled: boolean;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])$/;

/** Returns null for what is no `traceparent` of version 00. */
export function parseTraceparent(traceparent: string | null | undefined): TraceContext | null {
  const [, traceId, parentSpanId, sampled] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  return traceId && parentSpanId ? { traceId, parentSpanId, sampled: sampled === '1' } : null;
}
