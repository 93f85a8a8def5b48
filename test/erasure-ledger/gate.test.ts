// Whether the API may open: only where all of the ledger has been carried out on its database.
import { createLedgerGate } from '../../activities/erasure-ledger/gate';

const gateAt = (...heads: (number | Error)[]) => {
  let asked = 0;
  return createLedgerGate({
    async head() {
      const head = heads[Math.min(asked++, heads.length - 1)] as number | Error;
      if (head instanceof Error) throw head;
      return head;
    },
  });
};
const away = new Error('away');

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());
const later = (seconds: number) => jest.advanceTimersByTime(seconds * 1000);

it('opens where nobody has been erased, and where all have been here', async () => {
  expect(await gateAt(0).trouble(0)).toBeNull();
  expect(await gateAt(3).trouble(3)).toBeNull();
});

it('stays shut where the database is behind from the start', async () => {
  expect(await gateAt(3).trouble(2)).toBe('1 erasure(s) to carry out again');
  expect(await gateAt(3).trouble(0)).toBe('3 erasure(s) to carry out again');
});

it('shuts at once where the database goes back', async () => {
  const gate = gateAt(3);
  expect(await gate.trouble(3)).toBeNull();
  expect(await gate.trouble(2)).not.toBeNull();
});

it('gives a certificate that is on its way a moment, and no more', async () => {
  const gate = gateAt(3, 4);
  expect(await gate.trouble(3)).toBeNull();
  later(11);
  expect(await gate.trouble(3)).toBeNull();
  later(11);
  expect(await gate.trouble(3)).toBe('1 erasure(s) to carry out again');
  expect(await gate.trouble(4)).toBeNull();
});

it('stays shut while nobody can say how long the ledger is, and keeps to what was known when it goes away later', async () => {
  expect(await gateAt(away).trouble(0)).toBe('the erasure ledger cannot be read');
  const gate = gateAt(3, away);
  expect(await gate.trouble(3)).toBeNull();
  later(11);
  expect(await gate.trouble(3)).toBeNull();
  expect(await gate.trouble(2)).not.toBeNull();
});
