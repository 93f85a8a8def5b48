// Describes what an adoption is about to do, and what it did.
import type { AdoptedAs, AdoptionPlan, AdoptionResult } from '../../workflows/contracts/adoption';
import { isRewound, whyHeld } from '../../workflows/contracts/held-mail';
import { because } from './follow';
import type { Run } from './runs';

const MEANINGS: Record<AdoptedAs, (plan: AdoptionPlan) => string[]> = {
  rewound: ({ leaving, waiting }) => [
    'To adopt it means: this database is the one that goes on.',
    `parked      up to ${leaving} drafts that would leave by themselves: each may have been sent or withdrawn in the lost time`,
    `waiting     ${waiting} drafts wait for people as before, but for those of which Temporal knows better`,
    'Then mail goes out again. Stop the database that it was taken from first, if it still runs.',
  ],
  moved: () => [
    'To adopt it as moved means: nothing was lost, and nobody else goes on with a copy of it.',
    'Everything goes on as it was, with the neighbours that it has now.',
  ],
  clone: ({ leaving, waiting }) => [
    'To adopt it as a clone means: the one that it was copied from goes on, and this one sends nothing of it.',
    `withdrawn   ${leaving + waiting} drafts: all that would leave, and all that wait for people`,
    'ended       all API keys and all sessions; ADMIN_PASSWORD makes new ones',
  ],
};

export function describeAdoption(plan: AdoptionPlan | null): string[] {
  if (!plan) return [];
  return [`Mail is held since ${plan.heldAt}: ${whyHeld(plan.code)}.`, ...MEANINGS[plan.as](plan)];
}

export function describeAdopted({ status, result, problem }: Run<string, AdoptionResult>): string {
  if (status !== 'done' || !result) return `The adoption is ${status}${because(problem)}`;
  const { plan, adoptionId, parked, ended, withdrawn, journalComplete, released } = result;
  const { as } = plan;
  const amounts: [number, string][] = [
    [ended, 'drafts had come to their end, as their processes know'],
    [parked, 'drafts wait for a person: look at each, and resolve it as sent or not sent'],
    [withdrawn, 'drafts are withdrawn'],
  ];
  return [
    `The database is adopted${as === 'rewound' ? '' : ` as ${as === 'moved' ? 'moved' : 'a clone'}`}. ${
      released ? 'Mail is sent again.' : 'A restore still holds its mail: ops/restore.sh --lost'
    }`,
    ...amounts.filter(([amount]) => amount > 0).map(([amount, what]) => `  ${String(amount).padStart(6)}  ${what}`),
    ...(journalComplete ? [] : ['The send journal may miss what was sent last.']),
    ...(isRewound(plan.code)
      ? [
          `To see what had been acknowledged and is gone: ops/restore.sh --lost ${adoptionId}`,
          'To bring it back from the archive, on a host that makes backups: ops/restore.sh --reconcile',
        ]
      : []),
  ].join('\n');
}
