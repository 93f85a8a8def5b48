// A time as a person writes it: whose hour it is, and that an hour which is missing or comes twice is never guessed.
import { WrongUsage } from '../../ops/command';
import { readTime } from '../../ops/recovery/local-time';

const BERLIN = 'Europe/Berlin';

it.each([
  ['2026-01-23 18:00:00', BERLIN, '2026-01-23T17:00:00Z'],
  ['2026-01-23 18:00', BERLIN, '2026-01-23T17:00:00Z'],
  ['2026-07-23T18:00:00', BERLIN, '2026-07-23T16:00:00Z'],
  ['2026-01-23 18:00:00Z', BERLIN, '2026-01-23T18:00:00Z'],
  ['2026-01-23 18:00:00 UTC', BERLIN, '2026-01-23T18:00:00Z'],
  ['2026-01-23 18:00:00+05:30', BERLIN, '2026-01-23T12:30:00Z'],
  ['2026-01-23 18:00:00-08', BERLIN, '2026-01-24T02:00:00Z'],
  ['2026-01-23 18:00:00.123456', 'UTC', '2026-01-23T18:00:00.123456Z'],
  ['2026-10-25 03:00:00', BERLIN, '2026-10-25T02:00:00Z'],
  ['2026-03-29 01:59:59', BERLIN, '2026-03-29T00:59:59Z'],
  ['2026-03-29 03:00:00', BERLIN, '2026-03-29T01:00:00Z'],
  ['2026-10-25 02:30:00+02:00', BERLIN, '2026-10-25T00:30:00Z'],
  ['2026-04-05 01:15:00', 'Australia/Lord_Howe', '2026-04-04T14:15:00Z'],
])('%s in %s is %s', (given, zone, utc) => {
  expect(readTime(given, zone, Date.UTC(2027, 0)).utc).toBe(utc);
});

it('is told in the zone too', () => {
  const { local } = readTime('2026-01-23 18:00:00+05:30', BERLIN, Date.UTC(2027, 0));
  expect(local).toBe('2026-01-23 13:30:00 Europe/Berlin');
});

it.each([
  ['2026-03-29 02:30:00', 'there was no 2026-03-29 02:30:00 in Europe/Berlin: the clocks were put forward'],
  ['2026-10-25 02:30:00', 'say which one you mean, 2026-10-25 00:30:00Z or 2026-10-25 01:30:00Z'],
  ['2026-02-30 10:00:00', 'there is no 2026-02-30 10:00:00'],
  ['2026-01-23 24:00:00', 'there is no 2026-01-23 24:00:00'],
  ['2026-01-23', 'is not understood'],
  ['23.01.2026 18:00', 'is not understood'],
  ['2027-01-01 01:00:01', '2027-01-01 01:00:01 Europe/Berlin (2027-01-01T00:00:01Z) has not come yet'],
])('%s is wrong usage, with the reason', (given, said) => {
  const read = () => readTime(given, BERLIN, Date.UTC(2027, 0));
  expect(read).toThrow(WrongUsage);
  expect(read).toThrow(said);
});
