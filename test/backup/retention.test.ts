// Which sets stay.
import { chooseKept, type KnownSet, timeOfSet, withBases } from '../../activities/backup/retention';

const some = { key: 'k', size: 1, sha256: 'x' };
/** `F1`: full, named label F1; `I2<F1`: built on F1. Set n begins on day n. */
const sets = (...made: string[]): KnownSet[] =>
  made.map((word, i) => ({
    id: `202601${String(i + 1).padStart(2, '0')}T000000Z`,
    kind: word.startsWith('F') ? 'full' : 'incr',
    postgres: word === '-' ? null : { label: word.split('<')[0] as string },
    redis: word === '-' ? { ...some, keys: 1 } : null,
    files: null,
  }));
const backupsOf = (...made: string[]) =>
  made
    .filter((word) => word !== '-')
    .map((word) => ({ label: word.split('<')[0] as string, prior: word.split('<')[1] ?? null, reference: null }));
const day = (n: number) => new Date(Date.UTC(2026, 0, n));

const keptOf = (made: string[], before: Date) =>
  chooseKept(sets(...made), backupsOf(...made), before).map(({ id }) => Number(id.slice(6, 8)));

it.each([
  ['exactly as old as the retention stays', ['F1', 'F2', 'F3', 'F4'], day(2), [2, 3, 4]],
  ['a millisecond older goes', ['F1', 'F2', 'F3', 'F4'], new Date(day(2).getTime() + 1), [3, 4]],
  ['of any age, the last two full sets stay', ['F1', 'F2', 'F3', 'I4<F3'], day(30), [2, 3, 4]],
  ['the only set stays', ['F1'], day(30), [1]],
  ['what a young incremental set is made of stays', ['F1', 'I2<F1', 'I3<I2', 'F4', 'F5'], day(3), [1, 2, 3, 4, 5]],
  ['an old incremental set goes without its full one', ['F1', 'I2<F1', 'F3'], day(30), [1, 3]],
  ['the last of each part stays', ['F1', '-', '-', 'F4', 'F5', 'F6'], day(30), [3, 5, 6]],
  ['an incremental set whose bases are of no set stays', ['F1', 'F2', 'I3<X', 'F4'], day(3), [2, 3, 4]],
])('%s', (_title, made, before, kept) => {
  expect(keptOf(made, before)).toEqual(kept);
});

it('bases are found through those without a set, and through files that are only referenced', () => {
  const backups = [
    { label: 'F1', prior: null, reference: null },
    { label: 'I2', prior: 'F1', reference: ['F1'] },
    { label: 'I3', prior: 'I2', reference: ['F1'] },
    { label: 'F4', prior: null, reference: null },
  ];
  expect([...withBases(['I3'], backups)].sort()).toEqual(['F1', 'I2', 'I3']);
});

it('the id of a set is its time', () => {
  expect(timeOfSet('20260123T180059Z').toISOString()).toBe('2026-01-23T18:00:59.000Z');
});
