import { addMonths } from '../../activities/personal-data/calendar';

it.each([
  ['2026-01-15T10:00:00.000Z', 1, '2026-02-15T10:00:00.000Z'],
  ['2026-01-31T10:00:00.000Z', 1, '2026-02-28T10:00:00.000Z'],
  ['2028-01-31T10:00:00.000Z', 1, '2028-02-29T10:00:00.000Z'],
  ['2026-11-30T23:59:59.999Z', 3, '2027-02-28T23:59:59.999Z'],
  ['2026-12-31T00:00:00.000Z', 2, '2027-02-28T00:00:00.000Z'],
  ['2026-03-29T01:30:00.000Z', 1, '2026-04-29T01:30:00.000Z'],
])('%s and %i month(s) is %s, as calendars count', (from, months, to) => {
  expect(addMonths(new Date(from), months).toISOString()).toBe(to);
});
