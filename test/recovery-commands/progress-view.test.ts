// How a run shows itself: a bar with rate and time left on a terminal, few plain lines elsewhere.
import { createProgressView } from '../../ops/recovery/progress-view';
import type { Run } from '../../ops/recovery/runs';
import { describeSets } from '../../ops/recovery/set-list';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();
const run = (changes: Partial<Run>): Run => ({
  status: 'running',
  startedAt: at(0),
  finishedAt: null,
  steps: [],
  result: null,
  problem: null,
  beat: null,
  waitsFor: null,
  trouble: null,
  isOver: false,
  ...changes,
});
const running = { steps: [{ step: 'postgres', startedAt: at(0), finishedAt: null }] };
const beat = (done: number) => ({ done, total: 100_000_000, unit: 'bytes' as const });
const view = (isTTY: boolean) => {
  const said: string[] = [];
  return { said, ...createProgressView({ isTTY, columns: 80, write: (text) => said.push(text) }) };
};

it('draws a bar with rate and time left on a terminal, and leaves a line for each step', () => {
  const { said, show } = view(true);
  for (const second of [0, 1, 2]) show(run({ ...running, beat: beat(second * 10_000_000) }), second * 1000);
  expect(said.at(-1)).toBe('\r\x1b[2K█████░░░░░░░░░░░░░░░░░░░ PostgreSQL: 20 MB of 100 MB, 10 MB/s, about 8 s left');
  show(run({ steps: [{ step: 'postgres', startedAt: at(0), finishedAt: at(12) }] }), 12_000);
  expect(said.slice(-2).join('')).toContain('✔ PostgreSQL (12 s)\n');
});

it('writes a line for what begins and ends elsewhere, and one each ten seconds in between', () => {
  const { said, show } = view(false);
  for (let second = 0; second <= 21; second++) show(run({ ...running, beat: beat(second * 1_000_000) }), second * 1000);
  show(run({ steps: [{ step: 'postgres', startedAt: at(0), finishedAt: at(22) }] }), 22_000);
  expect(said).toEqual([
    '· PostgreSQL\n',
    '  PostgreSQL: 10 MB of 100 MB, 1.0 MB/s, about 90 s left\n',
    '  PostgreSQL: 20 MB of 100 MB, 1.0 MB/s, about 80 s left\n',
    '  PostgreSQL: done after 22 s\n',
  ]);
});

it('says what it waits for', () => {
  const { said, show } = view(true);
  show(run({ status: 'waiting', trouble: 'userErasure (erasure-1) holds it' }), 0);
  expect(said.at(-1)).toContain('waiting for another operation to end (userErasure');
});

it('says at once, and once, what somebody has to do', () => {
  const { said, show } = view(false);
  const waiting = { steps: [{ step: 'switch', startedAt: at(0), finishedAt: null }], waitsFor: 'Start PostgreSQL.' };
  for (const second of [0, 1, 2]) show(run(waiting), second * 1000);
  expect(said).toEqual(['· switching\n', 'Start PostgreSQL.\n']);
});

it('lists sets in columns, the newest last, and one that can not be trusted as such', () => {
  const set = {
    id: '20260101T000000Z',
    kind: 'full' as const,
    parts: ['postgres' as const, 'files' as const],
    startedAt: at(0),
    finishedAt: at(30),
    size: 210_000_000,
    stored: 87_400_000,
  };
  const unusable = [
    { id: '20251230T000000Z', broken: 'unknown_key' as const },
    { id: '20251231T000000Z', broken: 'signature' as const },
  ];
  const table = describeSets([...unusable, set], Date.parse(at(30)) + 3_600_000);
  expect(table.split('\n')).toEqual([
    'id                kind         age     size    stored  parts',
    '20251230T000000Z  UNKNOWN KEY                          not to be used: a key that is not in SECRET_KEY signed its manifest; add that key after a comma',
    '20251231T000000Z  BROKEN                               not to be used: its manifest was changed after it had been signed',
    '20260101T000000Z  full         60 min  210 MB  87 MB   postgres, files',
  ]);
});
