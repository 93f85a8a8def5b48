// The limits of the mail lane fit one another, Temporal's and RFC 5321's.
import { msToNumber } from '@temporalio/common/lib/time';
import { createSenders } from '../../activities/lane/senders';
import { endOf, type Progress } from '../../activities/lane/time-limits';
import { MOST_CONNECTIONS } from '../../activities/mail-delivery';
import { LONGEST_ATTEMPT_MS, REPLY_LIMITS } from '../../activities/mail-delivery/time-limits';
import { MAIL_LANE } from '../../workflows/profiles';
import { deferred } from '../support/deferred';
import { until } from '../support/until';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

describe('the time limits of the mail lane', () => {
  it('give the answer to a message the ten minutes of RFC 5321, and a command two', () => {
    expect(REPLY_LIMITS).toEqual({ commandMs: 2 * MINUTE, messageMs: 10 * MINUTE });
  });

  it('let the slowest attempt end before Temporal gives it to another worker', () => {
    expect(msToNumber(MAIL_LANE.startToCloseTimeout as string)).toBeGreaterThan(LONGEST_ATTEMPT_MS);
  });
});

describe('an attempt', () => {
  const progress = (changes: Partial<Progress>): Progress => ({
    claims: 1,
    elapsedMs: 0,
    workedMs: 0,
    isSlow: false,
    ...changes,
  });

  it.each<[string, Partial<Progress>, ReturnType<typeof endOf>]>([
    ['goes on while it is young', { claims: 3, elapsedMs: 59 * SECOND, workedMs: 59 * SECOND }, null],
    ['ends after a minute', { elapsedMs: 61 * SECOND, workedMs: 61 * SECOND }, 'time'],
    ['ends with the first work after a minute of waiting', { elapsedMs: 5 * MINUTE, workedMs: 1 }, 'time'],
    ['ends after ten minutes without work', { claims: 0, elapsedMs: 601 * SECOND }, 'idle'],
    ['waits ten minutes for work', { claims: 0, elapsedMs: 599 * SECOND }, null],
    ['ends after 500 claims', { claims: 500, elapsedMs: 10 * SECOND, workedMs: 10 * SECOND }, 'claims'],
    ['goes on beside a slow conversation', { elapsedMs: 9 * MINUTE, workedMs: 9 * MINUTE, isSlow: true }, null],
    ['goes on beside one that began late', { elapsedMs: 15 * MINUTE, workedMs: 6 * MINUTE, isSlow: true }, null],
    ['goes on claiming beside one', { claims: 4_999, elapsedMs: MINUTE, workedMs: MINUTE, isSlow: true }, null],
    ['ends after ten minutes of it', { elapsedMs: 11 * MINUTE, workedMs: 601 * SECOND, isSlow: true }, 'time'],
    ['ends after 5,000 claims in any case', { claims: 5_000, isSlow: true }, 'claims'],
  ])('%s', (_, changes, end) => {
    expect(endOf(progress(changes), REPLY_LIMITS.messageMs)).toBe(end);
  });
});

describe('senders', () => {
  it('begin one more mail for each slow one, and never more at once than there are connections', async () => {
    const begun: string[] = [];
    const answers = deferred<'sent'>();
    const deliver = (id: string) => {
      begun.push(id);
      return answers.promise;
    };
    const senders = createSenders(deliver, MOST_CONNECTIONS, () => {}, 5);
    senders.give(Array.from({ length: MOST_CONNECTIONS + 4 }, (_, i) => `${i}`));
    expect([begun.length, senders.slow]).toEqual([1, false]);
    await until('all connections are open', () => begun.length === MOST_CONNECTIONS);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([begun.length, senders.slow]).toEqual([MOST_CONNECTIONS, true]);
    answers.resolve('sent');
    await until('all are sent', () => senders.sent === MOST_CONNECTIONS + 4);
    expect([senders.slow, senders.idle]).toEqual([false, true]);
  });
});
