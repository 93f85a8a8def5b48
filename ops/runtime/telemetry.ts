// Errors and traces for Sentry, where SENTRY_DSN is set. What goes there is made anew of what cannot hold personal data:
// classes, codes, places in the code, patterns of routes. Must be started before Express and pg are loaded.
import type { ErrorEvent, NodeOptions, StackFrame } from '@sentry/node';
import type { Configuration } from './configuration';
import { describeError } from './logging';

type SentrySettings = Pick<Configuration, 'SENTRY_DSN' | 'SENTRY_ENVIRONMENT' | 'SENTRY_TRACES_SAMPLE_RATE'>;
type Span = Parameters<NonNullable<NodeOptions['beforeSendSpan']>>[0];

export interface Telemetry {
  /** What nobody expected. */
  report(error: unknown, context?: { requestId?: string; route?: string }): void;
  close(): Promise<unknown>;
}

const NONE: Telemetry = { report: () => {}, close: async () => {} };
/** Of a span: what it was, never what it was about. */
const SPAN_ATTRIBUTES = [
  'sentry.op',
  'sentry.origin',
  'http.route',
  'http.request.method',
  'http.response.status_code',
];
const NOTHING = {
  userInfo: false,
  cookies: false,
  httpHeaders: false,
  httpBodies: [],
  urlQueryParams: false,
  databaseQueryData: false,
  queues: false,
  stackFrameVariables: false,
  frameContextLines: 0,
} satisfies NodeOptions['dataCollection'];

export function startTelemetry(settings: SentrySettings, process: string): Telemetry {
  if (!settings.SENTRY_DSN) return NONE;
  // Loaded only where it is wanted: it is large, and hooks into what is loaded after it.
  const sentry: typeof import('@sentry/node') = require('@sentry/node');
  sentry.init({
    dsn: settings.SENTRY_DSN,
    environment: settings.SENTRY_ENVIRONMENT,
    tracesSampleRate: settings.SENTRY_TRACES_SAMPLE_RATE,
    tracePropagationTargets: [],
    // Else it takes every refusal for an error, and those that are errors before we say what they belong to.
    integrations: [sentry.expressIntegration({ shouldHandleError: false })],
    // A stranger's trace could bring names of its own.
    strictTraceContinuation: true,
    dataCollection: NOTHING,
    maxBreadcrumbs: 0,
    serverName: process,
    beforeSend: stripEvent,
    beforeSendSpan: stripSpan,
  });
  return {
    report(error, { requestId, route } = {}) {
      const { code } = describeError(error);
      const tags = { process, requestId, route, code: code === undefined ? undefined : String(code) };
      sentry.captureException(error, { tags });
    },
    close: () => sentry.close(2_000),
  };
}

export function stripEvent(event: ErrorEvent): ErrorEvent {
  const { event_id, timestamp, platform, level, environment, release, server_name, tags, sdk } = event;
  const values = event.exception?.values?.map(({ type, mechanism, stacktrace }) => ({
    type,
    mechanism: mechanism && { type: mechanism.type, handled: mechanism.handled },
    stacktrace: stacktrace?.frames && { frames: stacktrace.frames.map(stripFrame) },
  }));
  const stripped = { event_id, timestamp, platform, level, environment, release, server_name, tags, sdk };
  return { ...stripped, type: undefined, exception: values && { values } } as ErrorEvent;
}

export function stripSpan(span: Span): Span {
  const { trace_id, parent_span_id, span_id, start_timestamp, end_timestamp, status, is_segment } = span;
  const attributes = Object.fromEntries(
    Object.entries(span.attributes).filter(([name]) => SPAN_ATTRIBUTES.includes(name)),
  );
  // Any other name may have been made of a path or a statement.
  const route = attributes['http.route'];
  const name = route
    ? `${attributes['http.request.method'] ?? ''} ${route}`.trim()
    : String(attributes['sentry.op'] ?? 'span');
  const stripped = { trace_id, parent_span_id, span_id, start_timestamp, end_timestamp, status, is_segment };
  return { ...stripped, name, attributes } as Span;
}

function stripFrame({ filename, function: name, lineno, colno, in_app, module }: StackFrame): StackFrame {
  return { filename, function: name, lineno, colno, in_app, module } as StackFrame;
}
