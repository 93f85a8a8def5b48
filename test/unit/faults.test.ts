import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { causeOf } from '../../ops/runtime/fault-causes';
import { createFaultReports } from '../../ops/runtime/fault-reports';
import { type Fault, noteFault, onFault, REPORTED_AT_ATTEMPT } from '../../ops/runtime/faults';
import { ObjectStoreError } from '../../ops/runtime/object-store';
import { parseTraceparent } from '../../ops/runtime/trace-context';
import { isExpected } from '../../workflows/expected-failures';

const MINUTE = 60_000;

describe('a fault that is retried', () => {
  let now = 0;
  let reported: string[] = [];
  let note: (fault: Fault) => void;
  beforeEach(() => {
    now = 1_000_000;
    reported = [];
    note = createFaultReports(
      ({ issue }) => void reported.push(issue),
      () => now,
    );
  });
  const fail = (attempts?: Fault['attempts'], name = 'seal', error: unknown = new Error()) =>
    note({ name, error, ...(attempts === undefined ? {} : { attempts }) });

  it('is reported at its fifth attempt, and once for all that follow within the hour', () => {
    for (let attempt = 1; attempt < REPORTED_AT_ATTEMPT; attempt++) fail(attempt);
    expect(reported).toEqual([]);
    for (let attempt = REPORTED_AT_ATTEMPT; attempt < 60; attempt++) {
      fail(attempt);
      now += 50_000;
    }
    expect(reported).toEqual(['seal']);
  });

  it('is reported again each hour while it lasts', () => {
    for (let attempt = REPORTED_AT_ATTEMPT; attempt < 20; attempt++) {
      fail(attempt);
      now += 10 * MINUTE;
    }
    expect(reported).toHaveLength(3);
  });

  it('is a new event once it was over for longer than any pause between attempts', () => {
    fail(REPORTED_AT_ATTEMPT);
    now += 16 * MINUTE;
    fail(1);
    expect(reported).toEqual(['seal']);
    fail(REPORTED_AT_ATTEMPT);
    expect(reported).toEqual(['seal', 'seal']);
  });

  it('is counted by the seconds in which it showed, if nobody counts its attempts', () => {
    for (let i = 0; i < 1_000; i++) fail();
    expect(reported).toEqual([]);
    for (let second = 1; second < REPORTED_AT_ATTEMPT; second++) {
      now += 1_000;
      fail();
    }
    expect(reported).toEqual(['seal']);
  });

  it('is reported at once if it is permanent', () => {
    fail('permanent');
    expect(reported).toEqual(['seal']);
  });

  it('shares one event with all others that fail for the same thing that is away', () => {
    fail(REPORTED_AT_ATTEMPT, 'anchor', new ObjectStoreError('ENOTDIR'));
    fail(REPORTED_AT_ATTEMPT, 'backup', ApplicationFailure.retryable('It does not answer', 'store_away'));
    fail(REPORTED_AT_ATTEMPT, 'seal');
    expect(reported).toEqual(['store_away', 'seal']);
  });
});

it.each([
  ['a refused connection', Object.assign(new Error(), { code: 'ECONNREFUSED' }), 'database_away'],
  ['a pool without a free connection', new Error('timeout exceeded when trying to connect'), 'database_away'],
  ['a shutdown of PostgreSQL, as Prisma tells it', prismaError('57P01'), 'database_away'],
  [
    'a cause deep within',
    new Error('outer', { cause: Object.assign(new Error(), { code: 'P1001' }) }),
    'database_away',
  ],
  ['the object store', new ObjectStoreError('ECONNREFUSED'), 'store_away'],
  ['the journal of the lane', ApplicationFailure.retryable('journal_store_away', 'ServiceTrouble'), 'store_away'],
  ['Temporal', new Error('Failed', { cause: Object.assign(new Error(), { code: 14 }) }), 'temporal_away'],
  ['a Temporal that refuses the API key', Object.assign(new Error(), { code: 16 }), 'temporal_away'],
  ['the mail server', ApplicationFailure.retryable('ECONNECTION', 'ServiceTrouble'), null],
  ['a row that breaks a constraint', prismaError('23514'), null],
  ['something that is no error', 'ECONNREFUSED', null],
])('names what is away behind %s', (_what, error, cause) => {
  expect(causeOf(error)).toBe(cause);
});

function prismaError(originalCode: string): Error {
  return Object.assign(new Error(), { code: 'P2010', meta: { driverAdapterError: { cause: { originalCode } } } });
}

it.each([
  ['a lock that another process holds', ApplicationFailure.retryable('drafts hold it', 'OperationsHeld'), true],
  ['a lane that another attempt has', ApplicationFailure.retryable('It is held', 'LaneLost'), true],
  ['a worker that ends', ApplicationFailure.retryable('Another goes on', 'worker_ended'), true],
  ['a refusal', ApplicationFailure.nonRetryable('Too late', 'restored', 'refused'), true],
  ['what was given up', ApplicationFailure.nonRetryable('Given up', 'aborted'), true],
  ['what was cancelled', new CancelledFailure('Cancelled'), true],
  ['a service in trouble', ApplicationFailure.retryable('smtp_421', 'ServiceTrouble'), false],
  ['a broken audit trail', ApplicationFailure.nonRetryable('hash', 'AuditBroken', '7'), false],
  ['an error of our own code', new TypeError('x is undefined'), false],
])('tells whether somebody asked for it or has to wait: %s', (_what, error, isOne) => {
  expect(isExpected(error)).toBe(isOne);
});

it('nobody hears a fault after the listener has ended', () => {
  const heard: string[] = [];
  const end = onFault(({ name }) => void heard.push(name));
  noteFault({ name: 'first', error: null });
  end();
  noteFault({ name: 'second', error: null });
  expect(heard).toEqual(['first']);
});

it.each([
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', true],
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', false],
  ['00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', undefined],
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ada@example.org', undefined],
  ['', undefined],
  [null, undefined],
])('the trace context %s is read as sampled: %s', (traceparent, sampled) => {
  expect(parseTraceparent(traceparent)?.sampled).toBe(sampled);
});
