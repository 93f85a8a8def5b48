// Makes what goes to Sentry anew of what cannot hold personal data: classes, codes, ids, places in the code, patterns of routes.
import type { ErrorEvent, NodeOptions, StackFrame } from '@sentry/node';

type Span = Parameters<NonNullable<NodeOptions['beforeSendSpan']>>[0];

/** Holds the name that our own code gives a span. */
export const SEGMENT = 'countersign.segment';

/** Of a span: what it was, never what it was about. */
const SPAN_ATTRIBUTES = new Set([
  SEGMENT,
  'countersign.process',
  'countersign.workflow_id',
  'countersign.draft_id',
  'http.request.method',
  'http.response.status_code',
  'http.route',
  'sentry.environment',
  'sentry.op',
  'sentry.origin',
  'sentry.release',
  'sentry.sample_rate',
  'sentry.segment.id',
]);
const TAGS = new Set([
  'activity',
  'attempt',
  'code',
  'draftId',
  'fault',
  'process',
  'requestId',
  'route',
  'workflowId',
  'workflowType',
]);

export function stripEvent(event: ErrorEvent): ErrorEvent {
  const { event_id, timestamp, platform, level, environment, release, server_name, sdk, fingerprint } = event;
  const tags = Object.fromEntries(Object.entries(event.tags ?? {}).filter(([name]) => TAGS.has(name)));
  const values = event.exception?.values?.map(({ type, mechanism, stacktrace }) => ({
    type,
    // The error's own words may quote a row; the fault's are ours.
    value: tags.fault,
    mechanism: mechanism && { type: mechanism.type, handled: mechanism.handled },
    stacktrace: stacktrace?.frames && { frames: stacktrace.frames.map(stripFrame) },
  }));
  const { trace_id, span_id, parent_span_id } = event.contexts?.trace ?? {};
  return {
    ...{ event_id, timestamp, platform, level, environment, release, server_name, sdk, fingerprint, tags },
    type: undefined,
    user: event.user?.id === undefined ? undefined : { id: event.user.id },
    contexts: trace_id ? { trace: { trace_id, span_id, parent_span_id } } : undefined,
    exception: values && { values },
  } as ErrorEvent;
}

export function stripSpan(span: Span): Span {
  const { trace_id, parent_span_id, span_id, start_timestamp, end_timestamp, status, is_segment } = span;
  const attributes = Object.fromEntries(Object.entries(span.attributes).filter(([name]) => SPAN_ATTRIBUTES.has(name)));
  const stripped = { trace_id, parent_span_id, span_id, start_timestamp, end_timestamp, status, is_segment };
  return { ...stripped, name: nameOf(attributes), attributes } as Span;
}

/** Any other name may have been made of a path or a statement. */
function nameOf(attributes: Record<string, unknown>): string {
  const route = attributes['http.route'];
  if (route) return `${attributes['http.request.method'] ?? ''} ${route}`.trim();
  return String(attributes[SEGMENT] ?? attributes['sentry.op'] ?? 'span');
}

function stripFrame({ filename, function: name, lineno, colno, in_app, module }: StackFrame): StackFrame {
  return { filename, function: name, lineno, colno, in_app, module } as StackFrame;
}
