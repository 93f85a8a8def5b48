// The auto-approval policy: a pure function from a draft and a policy to a decision with its reasons.

export type Outcome = 'auto_approve' | 'require' | 'reject';

/** A value means equality; a test compares. */
export type FieldTest =
  | string
  | number
  | {
      eq?: string | number;
      gt?: number;
      gte?: number;
      lt?: number;
      lte?: number;
      in?: (string | number)[];
      notIn?: (string | number)[];
    };

export interface PolicyThen {
  outcome: Outcome;
  deadlineHours?: number | undefined;
  /** A hard `reject` or `require` beats every approval, wherever it stands. */
  hard?: boolean | undefined;
}

export interface PolicyRule {
  name: string;
  when: Record<string, FieldTest>;
  then: PolicyThen;
}

export interface PolicyDocument {
  /** `shadow` only notes what it would decide; `sampled` sends this share of the approvals to a person all the same. */
  mode: 'active' | 'shadow' | { sampled: number };
  rules: PolicyRule[];
  otherwise: PolicyThen;
}

export interface PolicySubject {
  confidence: number | null;
  author: string;
  /** In [0, 1), drawn from the author and the mail: which drafts a sample takes. */
  sample: number;
}

export interface PolicyDecision {
  outcome: Outcome;
  reasons: string[];
  required: number;
  deadlineHours: number | null;
}

export const POLICY_FIELDS = ['confidence', 'author'] as const;

export function decide(subject: PolicySubject, policy: PolicyDocument): PolicyDecision {
  const matching = policy.rules.filter((rule) =>
    Object.entries(rule.when).every(([field, test]) => holds(subject[field as 'author'], test)),
  );
  const decisive = matching.find((rule) => rule.then.hard && rule.then.outcome !== 'auto_approve') ?? matching[0];
  const { outcome, deadlineHours } = decisive?.then ?? policy.otherwise;
  const reason = decisive ? `rule "${decisive.name}": ${outcome}` : `no rule matched: ${outcome}`;
  const decision = (final: Outcome, ...more: string[]): PolicyDecision => ({
    outcome: final,
    reasons: [reason, ...more],
    required: final === 'require' ? 1 : 0,
    deadlineHours: deadlineHours ?? null,
  });
  if (policy.mode === 'shadow') return decision('require', 'the policy is in shadow mode: a person decides');
  if (typeof policy.mode === 'object' && outcome === 'auto_approve' && subject.sample < policy.mode.sampled) {
    return decision('require', 'taken as a sample: a person decides');
  }
  return decision(outcome);
}

function holds(value: string | number | null, test: FieldTest): boolean {
  if (value === null) return false;
  if (typeof test !== 'object') return value === test;
  const number = typeof value === 'number' ? value : Number.NaN;
  return (
    (test.eq === undefined || value === test.eq) &&
    (test.gt === undefined || number > test.gt) &&
    (test.gte === undefined || number >= test.gte) &&
    (test.lt === undefined || number < test.lt) &&
    (test.lte === undefined || number <= test.lte) &&
    (test.in === undefined || test.in.includes(value)) &&
    (test.notIn === undefined || !test.notIn.includes(value))
  );
}
