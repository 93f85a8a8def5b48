// What Countersign wants to reach on two cores at 16 concurrent flows.
import type { Cell } from './comparison';
import type { AppName } from './options';

export interface Aim {
  aim: string;
  measured: number | null;
  met: boolean | null;
  /** What the reference that does the least of it takes in the same run. Where that is above the aim, so is all else here. */
  floor: number | null;
}

export const AIM_CONCURRENCY = 16;

export function checkAims(cells: Cell[]): Aim[] {
  const at = (app: AppName) => cells.find((cell) => cell.app === app && cell.concurrency === AIM_CONCURRENCY);
  const { plain, idiomatic, policy, people } = {
    plain: at('plain'),
    idiomatic: at('idiomatic'),
    policy: at('policy'),
    people: at('people'),
  };
  const ratio = (a: number | undefined, b: number | undefined) => (a === undefined || !b ? null : a / b);
  return [
    ...(['policy', 'people'] as const).flatMap((name) => {
      const cell = at(name);
      return [
        below(`create p50, ${name}, at saturation, ms`, cell?.accepted.createMs.p50, 25, plain?.accepted.createMs.p50),
        below(`create p99, ${name}, at saturation, ms`, cell?.accepted.createMs.p99, 150, plain?.accepted.createMs.p99),
      ];
    }),
    below('approve p50, at saturation, ms', people?.accepted.approveMs.p50, 25, plain?.accepted.approveMs.p50),
    below('approve p99, at saturation, ms', people?.accepted.approveMs.p99, 150, plain?.accepted.approveMs.p99),
    atLeast('accepted/s, policy : plain', ratio(policy?.accepted.perSecond, plain?.accepted.perSecond), 0.5),
    atLeast('accepted/s, people : plain', ratio(people?.accepted.perSecond, plain?.accepted.perSecond), 0.5),
    atLeast('completed/s, policy : idiomatic', ratio(policy?.completed.perSecond, idiomatic?.completed.perSecond), 5),
    atLeast('completed/s, people : idiomatic', ratio(people?.completed.perSecond, idiomatic?.completed.perSecond), 1),
    below(
      'create to sent p50, policy, ms',
      policy?.completed.createToSentMs.p50,
      150,
      plain?.completed.createToSentMs.p50,
    ),
    below(
      'create to sent p50, people, ms',
      people?.completed.createToSentMs.p50,
      150,
      idiomatic?.completed.createToSentMs.p50,
    ),
  ];
}

export const below = (
  what: string,
  measured: number | null | undefined,
  limit: number,
  floor: number | null = null,
): Aim => ({
  aim: `${what} < ${limit}`,
  measured: measured ?? null,
  met: measured == null ? null : measured < limit,
  floor,
});
export const atLeast = (what: string, measured: number | null | undefined, limit: number): Aim => ({
  aim: `${what} ≥ ${limit}`,
  measured: measured ?? null,
  met: measured == null ? null : measured >= limit,
  floor: null,
});
