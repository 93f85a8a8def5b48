// Starts Sentry's SDK so that it reads no more than it may, and reports errors, faults and segments of traces through it.
import { randomBytes } from 'node:crypto';
import * as sentry from '@sentry/node';
import type { Configuration } from './configuration';
import { createFaultReports } from './fault-reports';
import { type FaultContext, onFault } from './faults';
import { describeError } from './logging';
import { VERSION } from './package-root';
import { SEGMENT, stripEvent, stripSpan } from './sentry-scrub';
import type { Segment, Telemetry } from './telemetry';
import { parseTraceparent, type TraceContext, withTraceparent } from './trace-context';

export type SentrySettings = Pick<
  Configuration,
  'SENTRY_DSN' | 'SENTRY_ENVIRONMENT' | 'SENTRY_TRACES_SAMPLE_RATE' | 'TEMPORAL_WORKER_BUILD_ID'
>;

const SENT_WITHIN_MS = 2_000;
/** Would be most of all requests. */
const PROBES = /^\/(health|healthz|ready|startup|metrics)$/;
/** A span for each of them says nothing and costs more than the request. */
const EXPRESS_LAYERS = ['middleware', 'router', 'request_handler'] as const;
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
  const client = sentry.init({
    dsn,
    environment: settings.SENTRY_ENVIRONMENT,
    release: `countersign@${VERSION}${build === undefined ? '' : `+${build}`}`,
    // With 0 it would make spans of everything and throw each away.
    ...(sampleRate > 0 ? { tracesSampleRate: sampleRate } : {}),
    tracePropagationTargets: [],
    // What is not named here would read more than it should, or print the words of an error that nobody caught.
    defaultIntegrations: false,
    integrations: [
      sentry.linkedErrorsIntegration(),
      sentry.httpIntegration({
        sessions: false,
        breadcrumbs: false,
        ignoreIncomingRequests: (url) => PROBES.test(url),
      }),
      // Else it takes every refusal for an error, and those that are errors before we say what they belong to.
      sentry.expressIntegration({ shouldHandleError: false, ignoreLayersType: [...EXPRESS_LAYERS] }),
      ...(sampleRate > 0 ? [sentry.postgresIntegration({ ignoreConnectSpans: true })] : []),
    ],
    strictTraceContinuation: true,
    dataCollection: NOTHING,
    maxBreadcrumbs: 0,
    serverName: process,
    beforeSend: stripEvent,
    beforeSendSpan: stripSpan,
  });
  // A stranger's trace could be of any size and bring names of its own. Strict continuation does not keep it out where
  // neither side names an organisation, as with a Sentry of one's own.
  client?.on('httpServerRequest', () => continueTrace(sentry.getCurrentScope(), null));

  function capture(error: unknown, context: FaultContext = {}, fault?: string): void {
    const { principal, code = describeError(error).code, ...ids } = context;
    sentry.captureException(error, {
      tags: { process, ...ids, fault, code: code === undefined ? undefined : String(code) },
      ...(principal === undefined ? {} : { user: { id: principal } }),
      ...(fault === undefined ? {} : { fingerprint: [fault] }),
    });
  }
  const stopListening = onFault(createFaultReports(({ error, context, issue }) => capture(error, context, issue)));
  const spanOf = ({ name, op, workflowId, draftId }: Segment, isSampled: boolean) => ({
    name,
    op,
    attributes: {
      [SEGMENT]: name,
      'countersign.process': process,
      'countersign.workflow_id': workflowId,
      'countersign.draft_id': draftId,
      // Sentry counts a trace for as many as it stands for.
      ...(isSampled ? { 'sentry.sample_rate': sampleRate } : {}),
    },
  });
  const within = <T>(context: TraceContext, act: () => T): T =>
    sentry.withActiveSpan(null, (scope) => {
      continueTrace(scope, context);
      return act();
    });

  const telemetry: Telemetry = {
    isOn: true,
    report: (error, context) => capture(error, context),
    traceparent: () => traceparentOf(sentry.getActiveSpan()),
    trace(traceparent, segment, act) {
      const context = parseTraceparent(traceparent);
      if (!context) return act();
      const run = () => withTraceparent(telemetry.traceparent(), act);
      return within(context, () => sentry.startSpan(spanOf(segment, context.sampled), run));
    },
    record(traceparent, segment, { startedAt, endedAt }) {
      const context = parseTraceparent(traceparent);
      if (!context) return;
      within(context, () =>
        sentry.startInactiveSpan({ ...spanOf(segment, context.sampled), startTime: startedAt }).end(endedAt),
      );
    },
    close() {
      stopListening();
      return sentry.close(SENT_WITHIN_MS);
    },
  };
  return telemetry;
}

/** Of the whole segment, since a part of it may be over before what it has begun. */
function traceparentOf(span: sentry.Span | undefined): string | null {
  const of = span ? { span: sentry.getRootSpan(span) } : {};
  return sentry.getTraceData({ ...of, propagateTraceparent: true }).traceparent ?? null;
}

/** @param context null begins a trace of its own */
function continueTrace(scope: sentry.Scope, context: TraceContext | null): void {
  const traceId = context?.traceId ?? randomBytes(16).toString('hex');
  scope.setPropagationContext({ ...context, traceId, sampleRand: Math.random() });
}
