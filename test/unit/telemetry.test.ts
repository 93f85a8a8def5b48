import { stripEvent, stripSpan } from '../../ops/runtime/sentry-scrub';

const CANARY = 'ada@example.org';

it('an error goes to Sentry as its class, its code and its place', () => {
  const frame = {
    filename: '/app/api/app.js',
    function: 'submit',
    lineno: 7,
    vars: { to: CANARY },
    context_line: CANARY,
  };
  const event = stripEvent({
    type: undefined,
    event_id: 'e',
    level: 'error',
    message: CANARY,
    transaction: `GET /api/gdpr/user/${CANARY}`,
    tags: { route: 'GET /api/drafts/:id', code: 'P2002' },
    user: { email: CANARY },
    request: { url: CANARY, data: CANARY, headers: { authorization: CANARY } },
    extra: { CANARY },
    contexts: { response: { CANARY } },
    breadcrumbs: [{ message: CANARY }],
    exception: { values: [{ type: 'TypeError', value: `no such ${CANARY}`, stacktrace: { frames: [frame] } }] },
  });
  expect(JSON.stringify(event)).not.toContain(CANARY);
  expect(event).toMatchObject({
    event_id: 'e',
    tags: { route: 'GET /api/drafts/:id', code: 'P2002' },
    exception: {
      values: [
        { type: 'TypeError', stacktrace: { frames: [{ filename: '/app/api/app.js', function: 'submit', lineno: 7 }] } },
      ],
    },
  });
});

it('a span goes there under the name of its route', () => {
  const span = {
    trace_id: 't',
    span_id: 's',
    name: `GET /api/gdpr/user/${CANARY}`,
    start_timestamp: 1,
    end_timestamp: 2,
    status: 'ok' as const,
    is_segment: true,
    attributes: {
      'http.route': '/api/gdpr/user/:email',
      'http.request.method': 'GET',
      'url.full': CANARY,
      'sentry.op': 'http.server',
    },
  };
  expect(stripSpan(span)).toMatchObject({ span_id: 's', name: 'GET /api/gdpr/user/:email' });
  const statement = stripSpan({
    ...span,
    name: `SELECT '${CANARY}'`,
    attributes: { 'db.statement': CANARY, 'sentry.op': 'db' },
  });
  expect(statement.name).toBe('db');
  expect(JSON.stringify([stripSpan(span), statement])).not.toContain(CANARY);
});
