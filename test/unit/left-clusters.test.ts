// Which clusters restores have left behind, when they go, and which folders may be removed.
import { findLeftClusters } from '../../activities/restore/left-clusters';
import type { RestoreRecord } from '../../activities/restore/records';
import { chooseRemovable } from '../../activities/restore/removable';

const DAY_MS = 86_400_000;
const day = (n: number) => new Date(Date.UTC(2026, 0, n));
/** A UUIDv7 of this day. */
const idOf = (n: number) => {
  const hex = day(n).getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000001`;
};
const [ONE, TWO, THREE] = [idOf(1), idOf(2), idOf(3)];
const of = (id: string) => `data-${id}`;

function restoreOn(n: number, changes: Partial<RestoreRecord>): RestoreRecord {
  return {
    id: idOf(n),
    at: day(n).toISOString(),
    state: 'reconciled',
    setId: '20251231T000000Z',
    target: 'set',
    generation: n,
    timeline: n,
    previousTimeline: 1,
    cluster: of(idOf(n)),
    previous: 'data',
    head: { position: '1', hash: '' },
    ...changes,
  };
}

const leftOf = (records: RestoreRecord[], removals: { cluster: string; at: string }[] = []) =>
  Object.fromEntries(
    findLeftClusters(records, removals, 7).left.map(({ name, goesAt }) => [name, goesAt?.toISOString() ?? null]),
  );
const after = (n: number) => new Date(day(n).getTime() + 7 * DAY_MS).toISOString();

it.each<[string, RestoreRecord[], Record<string, string | null>]>([
  ['nothing is left before the first restore', [], {}],
  ['the database before a settled restore goes after the days', [restoreOn(1, {})], { data: after(1) }],
  ['one that an unsettled restore needs stays', [restoreOn(1, { state: 'switched' })], { data: null }],
  [
    'each restore leaves the one before it',
    [restoreOn(1, {}), restoreOn(2, { previous: of(ONE) })],
    { data: after(1), [of(ONE)]: after(2) },
  ],
  [
    'an undo makes the first database live again, and leaves the restored one',
    [restoreOn(1, { state: 'undone' }), restoreOn(2, { cluster: 'data', previous: of(ONE) })],
    { [of(ONE)]: after(2) },
  ],
  [
    'days count from when it was left last',
    [
      restoreOn(1, { state: 'undone' }),
      restoreOn(2, { cluster: 'data', previous: of(ONE) }),
      restoreOn(3, { previous: 'data' }),
    ],
    { [of(ONE)]: after(2), data: after(3) },
  ],
  [
    'a switch that came to nothing leaves what it prepared',
    [restoreOn(1, {}), restoreOn(2, { state: 'abandoned', previous: of(ONE) })],
    { data: after(1), [of(TWO)]: after(2) },
  ],
  [
    'one that may still switch keeps both its databases',
    [restoreOn(1, {}), restoreOn(2, { state: 'prepared', previous: of(ONE) })],
    { data: after(1), [of(TWO)]: null },
  ],
  [
    'one that a later restore has overtaken keeps nothing',
    [restoreOn(1, {}), restoreOn(2, { state: 'prepared', previous: of(ONE) }), restoreOn(3, { previous: of(ONE) })],
    { data: after(1), [of(TWO)]: after(2), [of(ONE)]: after(3) },
  ],
  [
    'a restore on a new machine leaves the database of the old one',
    [restoreOn(1, {}), restoreOn(2, { previous: null })],
    { data: after(1), [of(ONE)]: after(2) },
  ],
  [
    'an unsettled restore without a database before it is compared with a throw-away one',
    [restoreOn(1, { state: 'switched', previous: null })],
    { [`truth-${ONE}`]: null },
  ],
])('%s', (_title, records, left) => {
  expect(leftOf(records)).toEqual(left);
});

it('a removal counts only for the time at which it happened: another cluster may bear the name later', () => {
  const removals = [{ cluster: 'data', at: day(2).toISOString() }];
  expect(leftOf([restoreOn(1, {})], removals)).toEqual({});
  expect(leftOf([restoreOn(3, {})], removals)).toEqual({ data: after(3) });
});

describe('the folders that may be removed', () => {
  const remove = (
    records: RestoreRecord[],
    {
      names,
      living = of(ONE),
      now = day(30),
      days = 7,
    }: { names: string[]; living?: string; now?: Date; days?: number },
  ) => chooseRemovable(findLeftClusters(records, [], days), { names, living, now, days }).map(({ name }) => name);

  it('are those whose days are over, to the millisecond', () => {
    const request = { names: ['data', of(ONE)], living: of(ONE) };
    const due = new Date(day(1).getTime() + 7 * DAY_MS);
    expect(remove([restoreOn(1, {})], { ...request, now: new Date(due.getTime() - 1) })).toEqual([]);
    expect(remove([restoreOn(1, {})], { ...request, now: due })).toEqual(['data']);
  });

  it('are never the living one, whether the pointer or the records name it', () => {
    expect(remove([restoreOn(1, {})], { names: ['data', of(ONE)], living: 'data' })).toEqual([]);
  });

  it('are none that is not ours by its name, and no first database that no record names', () => {
    const foreign = [
      'data',
      'data-copy',
      'other',
      'data-0f3a1c2e-7d1b-4c3a-9f00-000000000001',
      'data.old',
      'pgbackrest',
    ];
    expect(remove([], { names: foreign, living: 'elsewhere' })).toEqual([]);
  });

  it('are those too that no record names, once no restore can be preparing them', () => {
    const names = [of(THREE), `truth-${THREE}`];
    const now = (days: number) => new Date(day(3).getTime() + days * DAY_MS);
    expect(remove([], { names, now: now(1.9), days: 0 })).toEqual([]);
    expect(remove([], { names, now: now(2), days: 0 })).toEqual(names);
    expect(remove([], { names, now: now(6), days: 7 })).toEqual([]);
  });

  it('are throw-away clusters of settled restores at once, and of open ones never', () => {
    const names = [`truth-${ONE}`];
    const request = { names, now: day(1) };
    expect(remove([restoreOn(1, { state: 'undone' })], request)).toEqual(names);
    expect(remove([restoreOn(1, { state: 'switched', previous: null })], { ...request, now: day(30) })).toEqual([]);
  });
});
