import { createAlarm } from '../../ops/runtime/alarm';

const NEVER = new AbortController().signal;
const LONG_MS = 60_000;

describe('an alarm', () => {
  it('wakes who waits', async () => {
    const alarm = createAlarm();
    const waiting = alarm.wait(LONG_MS, NEVER);
    alarm.ring();
    await waiting;
  });

  it('is heard once if it rang while nobody was waiting', async () => {
    const alarm = createAlarm();
    alarm.ring();
    alarm.ring();
    await alarm.wait(LONG_MS, NEVER);
    const second = alarm.wait(LONG_MS, NEVER).then(() => 'woken');
    expect(await Promise.race([second, new Promise((resolve) => setImmediate(resolve, 'waits'))])).toBe('waits');
    alarm.ring();
    expect(await second).toBe('woken');
  });

  it('lets go by itself after its time, and at once when there is nothing left to wait for', async () => {
    const alarm = createAlarm();
    await alarm.wait(1, NEVER);
    await alarm.wait(LONG_MS, AbortSignal.abort());
    const ending = new AbortController();
    const waiting = alarm.wait(LONG_MS, ending.signal);
    ending.abort();
    await waiting;
  });
});
