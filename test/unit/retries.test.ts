import { retrySeconds } from '../../activities/mail-delivery/retries';

describe('a mail that was refused for now', () => {
  it('is tried again after a minute, then ever later, at most an hour later', () => {
    expect([1, 2, 3, 6, 7, 8, 40].map(retrySeconds)).toEqual([60, 120, 240, 1920, 3600, 3600, 3600]);
  });

  it('is given up after two days', () => {
    let seconds = 0;
    let attempts = 1;
    for (let next = retrySeconds(attempts); next !== null; next = retrySeconds(attempts)) {
      seconds += next;
      attempts += 1;
    }
    expect(seconds / 86_400).toBeGreaterThan(1.9);
    expect(seconds / 86_400).toBeLessThan(2.1);
  });
});
