// Starts Sentry's SDK so that it reads no more than it may, and reports errors, faults and segments of traces through it.
import { randomUUID } from 'node:crypto';
import * as sentry from '@sentry/node';
import type { Configuration } from './configuration';
import { createFaultReports } from './fault-reports';
import { type FaultContext, onFault } from './faults';
import { describeError } from './logging';
import { VERSION } from './package-root';
import { SEGMENT, stripEvent, stripSpan } from './sentry-scrub';
import type { Segment, Telemetry } from './telemetry';
import { currentTraceparent, parseTraceparent, type TraceContext, withTraceparent } from './trace-context';

export type SentrySettings = Pick<
  Configuration,
  'SENTRY_DSN' | 'SENTRY_ENVIRONMENT' | 'SENTRY_TRACES_SAMPLE_RATE' | 'TEMPORAL_WORKER_BUILD_ID'
>;

const SENT_WITHIN_MS = 2_000;
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
} satisfies sentry.NodeOptions['dataCollection'];

export function startSentry(settings: SentrySettings, process: string): Telemetry {
  const { SENTRY_DSN: dsn = '', TEMPORAL_WORKER_BUILD_ID: build, SENTRY_TRACES_SAMPLE_RATE: sampleRate } = settings;
  sentry.init({
    dsn,
    environment: settings.SENTRY_ENVIRONMENT,
    release: `countersign@${VERSION}${build === undefined ? '' : `+${build}`}`,
    // With 0 it would make spans of everything and throw each away.
    ...(sampleRate > 0 ? { tracesSampleRate: sampleRate } : {}),
    // The default integrations read more than they should, print the words of an error that nobody caught, and make spans
    // of all requests, to throw most of them away: a third of what a flow costs.
    defaultIntegrations: false,
    enableRuntimeChannelInjection: false,
    integrations: [sentry.linkedErrorsIntegration()],
    dataCollection: NOTHING,
    maxBreadcrumbs: 0,
    serverName: process,
    beforeSend: stripEvent,
    beforeSendSpan: stripSpan,
  });
  function capture(error: unknown, context: FaultContext = {}, fault?: string): void {
    const { principal, code = describeError(error).code, ...ids } = context;
    sentry.withScope((scope) => {
      const trace = parseTraceparent(currentTraceparent());
      if (trace) continueTrace(scope, trace);
      sentry.captureException(error, {
        tags: { process, ...ids, fault, code: code === undefined ? undefined : String(code) },
        ...(principal === undefined ? {} : { user: { id: principal } }),
        ...(fault === undefined ? {} : { fingerprint: [fault] }),
      });
    });
  }
  const stopListening = onFault(createFaultReports(({ error, context, issue }) => capture(error, context, issue)));
  const spanOf = ({ name, op, workflowId, draftId }: Segment | RequestSegment) => ({
    name,
    op,
    attributes: {
      [SEGMENT]: name,
      'countersign.process': process,
      'countersign.workflow_id': workflowId,
      'countersign.draft_id': draftId,
      // Sentry counts a trace for as many as it stands for.
      'sentry.sample_rate': sampleRate,
    },
  });
  const within = <T>(context: Origin, act: () => T): T =>
    sentry.withActiveSpan(null, (scope) => {
      continueTrace(scope, context);
      return act();
    });

  return {
    isOn: true,
    report: (error, context) => capture(error, context),
    begin(act) {
      const traceId = randomHex();
      // A trace that is not sampled has only its id: errors of one trace are found by it.
      if (Math.random() >= sampleRate) {
        withTraceparent(`00-${traceId}-${randomHex().slice(16)}-00`, act);
        return () => {};
      }
      const span = within({ traceId, sampled: true }, () => sentry.startInactiveSpan(spanOf(REQUEST)));
      sentry.withActiveSpan(span, () => withTraceparent(traceparentOf(span), act));
      return ({ method, route, status }) => {
        span.setAttributes({
          'http.request.method': method,
          'http.route': route,
          'http.response.status_code': status,
        });
        span.setStatus({ code: status >= 500 ? FAILED : FINE });
        span.end();
      };
    },
    trace(traceparent, segment, act) {
      const context = parseTraceparent(traceparent);
      if (!context?.sampled) return withTraceparent(traceparent, act);
      return within(context, () =>
        sentry.startSpan(spanOf(segment), (span) => withTraceparent(traceparentOf(span), act)),
      );
    },
    record(traceparent, segment, { startedAt, endedAt }) {
      const context = parseTraceparent(traceparent);
      if (!context?.sampled) return;
      within(context, () => sentry.startInactiveSpan({ ...spanOf(segment), startTime: startedAt }).end(endedAt));
    },
    query() {
      const parentSpan = sentry.getActiveSpan();
      if (!parentSpan) return () => {};
      const span = sentry.startInactiveSpan({ name: 'query', op: 'db', parentSpan });
      return () => span.end();
    },
    close() {
      stopListening();
      return sentry.close(SENT_WITHIN_MS);
    },
  };
}

/** The span that the next is a part of; a trace that begins has none. */
type Origin = Omit<TraceContext, 'parentSpanId'> & Partial<TraceContext>;
type RequestSegment = Omit<Segment, 'op'> & { op: 'http.server' };

const REQUEST: RequestSegment = { name: 'request', op: 'http.server' };
/** Sentry's numbers for the status of a span. */
const [FINE, FAILED] = [1, 2] as const;

/** Returns 16 bytes. */
const randomHex = () => randomUUID().replaceAll('-', '');

const traceparentOf = (span: sentry.Span): string => {
  const { traceId, spanId } = span.spanContext();
  return `00-${traceId}-${spanId}-01`;
};

function continueTrace(scope: sentry.Scope, context: Origin): void {
  scope.setPropagationContext({ ...context, sampleRand: Math.random() });
}
