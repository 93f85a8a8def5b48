import { state } from '../../workflows/contracts/lane';
import { breaksBetween } from '../support/probes';
import { TestService } from '../support/service';
import { until } from '../support/until';

let service: TestService;

beforeAll(async () => {
  service = await TestService.create();
});
afterAll(() => service?.close());

const DRAFTS = 60;

describe('a mail server that is away', () => {
  it('gets one probe at a time with growing breaks, tells so, and everything once when it is back', async () => {
    const { mail } = service;
    mail.behave({ greeting: { code: 421 } });
    const probes = breaksBetween(mail);
    const drafts = await Promise.all(
      Array.from({ length: DRAFTS }, (_, i) => service.submitDue(`waiting-${i}@example.org`)),
    );
    const worker = service.startWorker({ LOG_LEVEL: 'info' });
    await until('several probes have failed', () => probes.count >= 4, 30_000);
    expect(probes.mostAtOnce).toBe(1);
    expect(probes.breaks[2]).toBeGreaterThan(probes.breaks[0] as number);
    const { report } = await service.lane.query(state);
    expect(report).toMatchObject({ due: DRAFTS, trouble: { failures: expect.any(Number), code: 'smtp_421' } });
    const lane = await service.database.db.lane.findUniqueOrThrow({ where: { name: 'email' } });
    expect(lane).toMatchObject({ lastError: 'smtp_421', failingSince: expect.any(Date) });

    mail.behave({});
    for (const { id } of drafts) await service.draftIn('sent', id);
    expect(mail.accepted).toHaveLength(DRAFTS);
    expect(mail.repeated).toEqual([]);
    const healed = await service.database.db.lane.findUniqueOrThrow({ where: { name: 'email' } });
    expect(healed).toMatchObject({ failures: 0, failingSince: null, nextAttemptAt: null });

    const told = worker.log.split('\n').filter((line) => /Circuit breaker|ServiceTrouble|smtp_421/.test(line));
    expect(told.map((line) => JSON.parse(line))).toEqual([
      {
        level: 40,
        time: expect.any(String),
        process: 'worker',
        service: 'email',
        code: 'smtp_421',
        msg: 'Circuit breaker opened',
      },
      {
        level: 30,
        time: expect.any(String),
        process: 'worker',
        service: 'email',
        seconds: expect.any(Number),
        msg: 'Circuit breaker closed',
      },
    ]);
  });

  it('costs no draft an attempt of its own', async () => {
    const attempts = await service.database.db.draft.aggregate({ _max: { attempts: true } });
    expect(attempts._max.attempts).toBeLessThanOrEqual(1);
  });
});
