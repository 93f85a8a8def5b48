// What is missing from the log, across timelines.
import { segmentName } from '../../ops/pgbackrest/archive';
import { type Branch, findMissing, readBranch } from '../../ops/pgbackrest/timelines';

/** `1: 3-6` are the segments 3 to 6 of timeline 1. */
const segments = (...ranges: string[]) =>
  ranges
    .flatMap((range) => {
      const [timeline = 0, from = 0, to = from] = range.split(/[:-]/).map(Number);
      return Array.from({ length: to - from + 1 }, (_, i) => ({ name: segmentName(timeline, from + i) }));
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
const branch = (timeline: number, parent: number, from: number): Branch => ({ timeline, parent, from });
const named = (...names: string[]) => segments(...names).map(({ name }) => name);

it.each<[string, string[], Branch[], string, string[]]>([
  ['whole', ['1:3-9'], [], '1:4', []],
  ['a gap', ['1:3-5', '1:7-9'], [], '1:3', ['1:6']],
  ['what is older than needed', ['1:1-2', '1:5-9'], [], '1:5', []],
  ['the oldest that is needed', ['1:5-9'], [], '1:4', ['1:4']],
  ['across log files', ['1:250-300'], [], '1:250', []],
  ['a branch that follows', ['1:3-6', '2:6-9'], [branch(2, 1, 6)], '1:3', []],
  ['an abandoned end', ['1:3-8', '2:6-9'], [branch(2, 1, 6)], '1:3', []],
  ['the first of a branch', ['1:3-8', '2:7-9'], [branch(2, 1, 6)], '1:3', ['2:6']],
  ['the last before a branch', ['1:3-4', '2:6-9'], [branch(2, 1, 6)], '1:3', ['1:5']],
  ['the last before a branch without a history', ['1:3-4', '2:6-9'], [], '1:3', ['1:5']],
  [
    'a branch of an older one than the newest',
    ['1:3-8', '2:6-7', '3:8-9'],
    [branch(2, 1, 6), branch(3, 1, 8)],
    '1:3',
    [],
  ],
  ['a branch that was left before it had a segment', ['1:3-5', '3:6-9'], [branch(2, 1, 6), branch(3, 2, 6)], '1:3', []],
  ['a branch from before the oldest', ['1:5-8', '2:4-9'], [branch(2, 1, 4)], '1:6', []],
  [
    'a branch after the oldest is on one itself',
    ['1:3-6', '2:6-9', '3:8-9'],
    [branch(2, 1, 6), branch(3, 2, 8)],
    '2:7',
    [],
  ],
])('%s', (_title, there, branches, oldest, missing) => {
  expect(findMissing(segments(...there), branches, named(oldest)[0] ?? '')).toEqual(named(...missing));
});

it('a history tells where its timeline was left', () => {
  const history = '1\t0/5000028\tno recovery target specified\n\n2\t1/A2000100\treached consistency\n';
  expect(readBranch(3, history)).toEqual({ timeline: 3, parent: 2, from: 0x1a2 });
  expect(readBranch(3, '')).toBeNull();
});
