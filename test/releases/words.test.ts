// What an operator reads of a rollback and a deployment: before, and at the end.
import type { Run } from '../../ops/recovery/runs';
import { describeDeploymentEnd, describePlan, describeRollbackEnd } from '../../ops/releases/words';
import type { DeploymentResult } from '../../workflows/contracts/deployment';
import type { Rehearsal, RollbackPlan, RollbackResult } from '../../workflows/contracts/rollback';

const release = (version: string, commit: string | null = null) => ({
  version,
  commit,
  buildId: version,
  bundleHash: 'a'.repeat(64),
  lastMigration: '20260101000000_init',
});
const PLAN: RollbackPlan = {
  from: release('1.3.0', '389d07f0c1b2a394'),
  to: release('1.2.0'),
  migrations: [
    {
      migration: '20260303000000_more',
      drops: [
        { table: 'notes', column: null, rows: 12 },
        { table: 'drafts', column: 'score', rows: 3 },
      ],
      deletes: [{ table: 'breakers', rows: 1 }],
    },
    { migration: '20260202000000_index', drops: [], deletes: [] },
  ],
  workflows: { draftApproval: 2, mailDelivery: 1 },
  sent: 4,
  restorePoint: 'before-019b',
  expectedSeconds: 29,
};
const RESULT: RollbackResult = { plan: PLAN, rehearsal: null, health: null, serving: '1.3.0' };
const REHEARSAL: Rehearsal = { verdict: 'passed', setId: 'S', migrations: PLAN.migrations, seconds: 61, problem: null };

const run = <Result>(changes: Partial<Run<string, Result>>): Run<string, Result> => ({
  status: 'done',
  startedAt: '2026-12-01T10:00:00.000Z',
  finishedAt: '2026-12-01T10:00:20.000Z',
  steps: [],
  result: null,
  problem: null,
  beat: null,
  waitsFor: null,
  trouble: null,
  isOver: true,
  ...changes,
});

it('describes what a rollback undoes, loses and leaves', () => {
  expect(describePlan(PLAN)).toEqual([
    'from          1.3.0 (389d07f0)',
    'to            1.2.0',
    'database      2 migration(s) are undone:',
    '  · 20260303000000_more',
    '      drops table notes, 12 row(s)',
    '      drops column drafts.score, 3 value(s)',
    '      deletes 1 row(s) of breakers',
    '  · 20260202000000_index',
    '      loses nothing',
    'workflows     2 draftApproval, 1 mailDelivery go on; all were replayed with 1.2.0',
    'stays         4 mail(s) sent since then stay sent',
    'restore point before-019b',
    expect.stringMatching(/^takes {9}about 29 s, the API is away/),
  ]);
});

it('describes a rollback that changes code alone, and one whose mails nobody counted', () => {
  const lines = describePlan({ ...PLAN, migrations: [], workflows: {}, sent: null });
  expect(lines).toEqual(
    expect.arrayContaining([
      'database      stays as it is',
      'workflows     no open runs go on; all were replayed with 1.2.0',
      'stays         mail that was sent stays sent',
    ]),
  );
});

it('says at the end of a rollback what serves and how healthy it was', () => {
  const health = { api: 1, workers: 2, requests: 50, errors: 1 };
  expect(describeRollbackEnd('R', run({ result: { ...RESULT, health, serving: '1.2.0' } }))).toBe(
    [
      'Rolled back after 20 s: 1.2.0 serves.',
      'health        1 API and 2 worker process(es); 1 of 50 requests failed',
      'restore point before-019b',
    ].join('\n'),
  );
});

it.each([
  ['failed', RESULT, 'Rollback R is failed after 20 s (broken): It broke. 1.3.0 serves.'],
  ['refused', null, 'Rollback R is refused after 20 s (broken): It broke. Nothing was changed.'],
] as const)('says of a rollback that is %s why, and what serves', (status, result, said) => {
  const problem = { code: 'broken', message: 'It broke.' };
  expect(describeRollbackEnd('R', run<RollbackResult>({ status, result, problem }))).toBe(said);
});

it.each([
  [{}, 'The rehearsal passed after 61 s. Nothing was changed.'],
  [
    { verdict: 'failed', problem: { code: 'api_not_ready', message: 'It did not start.' } },
    'The rehearsal FAILED after 61 s (api_not_ready): It did not start.',
  ],
  [
    { verdict: 'not_rehearsed', setId: null, problem: { code: 'no_tools', message: 'No tools.' } },
    'NOT rehearsed (no_tools): No tools.',
  ],
] as [Partial<Rehearsal>, string][])('says the verdict of a rehearsal first (%#)', (changes, verdict) => {
  const rehearsal = { ...REHEARSAL, ...changes };
  const [first, second] = describeRollbackEnd('R', run({ result: { ...RESULT, rehearsal } })).split('\n');
  expect(first).toBe(verdict);
  expect(second).toBe(rehearsal.setId === null ? '  · 20260303000000_more' : 'copy of       set S');
});

it('says at the end of a deployment what serves, and the way back', () => {
  const plan = { from: release('1.2.0'), to: release('1.3.0'), migrations: [], workflows: {} };
  const result: DeploymentResult = { plan, health: null, serving: '1.3.0', drained: true };
  expect(describeDeploymentEnd(run({ result }), '1.3.0').split('\n')).toEqual([
    '1.3.0 serves after 20 s.',
    'Back again: ops/rollback.sh (to 1.2.0)',
  ]);
  const problem = { code: 'not_ready', message: 'It is not ready.' };
  const failed = run<DeploymentResult>({ status: 'failed', result: { ...result, serving: '1.2.0' }, problem });
  expect(describeDeploymentEnd(failed, '1.3.0')).toBe(
    'The deployment of 1.3.0 is failed after 20 s (not_ready): It is not ready. 1.2.0 serves.',
  );
});
