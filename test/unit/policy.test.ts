import {
  decide,
  type FieldTest,
  type PolicyDocument,
  type PolicyRule,
  type PolicySubject,
} from '../../activities/commands/policy';

const subject = (changes: Partial<PolicySubject> = {}): PolicySubject => ({
  confidence: 0.9,
  author: 'an agent',
  sample: 0.5,
  ...changes,
});
const rule = (name: string, when: PolicyRule['when'], then: PolicyRule['then']): PolicyRule => ({ name, when, then });
const policy = (changes: Partial<PolicyDocument> = {}): PolicyDocument => ({
  mode: 'active',
  rules: [],
  otherwise: { outcome: 'require' },
  ...changes,
});
const sure = rule('sure', { confidence: { gte: 0.9 } }, { outcome: 'auto_approve' });
const approvesAll = rule('all', {}, { outcome: 'auto_approve' });

describe('the policy', () => {
  it('does what it says otherwise where no rule matches, and says so', () => {
    expect(decide(subject(), policy())).toEqual({
      outcome: 'require',
      reasons: ['no rule matched: require'],
      required: 1,
      deadlineHours: null,
    });
    expect(decide(subject(), policy({ otherwise: { outcome: 'reject' } })).outcome).toBe('reject');
  });

  it('follows the first rule that matches, and names it', () => {
    const rules = [
      rule('not this', { author: 'another' }, { outcome: 'reject' }),
      rule('this', { author: 'an agent' }, { outcome: 'require', deadlineHours: 4 }),
      approvesAll,
    ];
    expect(decide(subject(), policy({ rules }))).toEqual({
      outcome: 'require',
      reasons: ['rule "this": require'],
      required: 1,
      deadlineHours: 4,
    });
  });

  it('needs nobody where it approves or rejects', () => {
    expect(decide(subject(), policy({ rules: [sure] }))).toMatchObject({ outcome: 'auto_approve', required: 0 });
    expect(decide(subject(), policy({ otherwise: { outcome: 'reject' } }))).toMatchObject({ required: 0 });
  });

  it('needs every condition of a rule to hold', () => {
    const both = rule('both', { confidence: { gte: 0.5 }, author: 'an agent' }, { outcome: 'auto_approve' });
    expect(decide(subject(), policy({ rules: [both] })).outcome).toBe('auto_approve');
    expect(decide(subject({ author: 'another' }), policy({ rules: [both] })).outcome).toBe('require');
    expect(decide(subject({ confidence: 0.4 }), policy({ rules: [both] })).outcome).toBe('require');
  });

  it.each<[FieldTest, number | null, boolean]>([
    [{ gte: 0.9 }, 0.9, true],
    [{ gte: 0.9 }, 0.8999999, false],
    [{ gt: 0.9 }, 0.9, false],
    [{ gt: 0.9 }, 0.9000001, true],
    [{ lte: 0.1 }, 0.1, true],
    [{ lte: 0.1 }, 0.1000001, false],
    [{ lt: 0.1 }, 0.1, false],
    [{ lt: 0.1 }, 0, true],
    [{ gte: 0.2, lt: 0.4 }, 0.2, true],
    [{ gte: 0.2, lt: 0.4 }, 0.4, false],
    [{ eq: 1 }, 1, true],
    [{ eq: 1 }, 0.5, false],
    [0.5, 0.5, true],
    [0.5, 0.6, false],
    [{ in: [0, 1] }, 1, true],
    [{ in: [] }, 1, false],
    [{ notIn: [0, 1] }, 1, false],
    [{ notIn: [0, 1] }, 0.5, true],
    [{}, 0, true],
  ])('tests confidence %j against %d: %s', (test, confidence, holds) => {
    const rules = [rule('tested', { confidence: test }, { outcome: 'auto_approve' })];
    expect(decide(subject({ confidence }), policy({ rules })).outcome).toBe(holds ? 'auto_approve' : 'require');
  });

  it.each<[FieldTest, boolean]>([
    ['an agent', true],
    ['An Agent', false],
    [{ in: ['an agent', 'another'] }, true],
    [{ notIn: ['an agent'] }, false],
    [{ notIn: ['another'] }, true],
    [{ gte: 0 }, false],
  ])('tests the author by %j: %s', (test, holds) => {
    const rules = [rule('tested', { author: test }, { outcome: 'auto_approve' })];
    expect(decide(subject(), policy({ rules })).outcome).toBe(holds ? 'auto_approve' : 'require');
  });

  it.each<FieldTest>([{ lt: 1 }, { lte: 1 }, { gte: 0 }, { notIn: [0.5] }, 0])(
    'takes no confidence at all for a failed test %j',
    (test) => {
      const rules = [rule('tested', { confidence: test }, { outcome: 'auto_approve' })];
      expect(decide(subject({ confidence: null }), policy({ rules })).outcome).toBe('require');
    },
  );

  it.each(['require', 'reject'] as const)('lets a hard %s beat an approval that stands before it', (outcome) => {
    const rules = [sure, rule('never alone', { author: 'an agent' }, { outcome, hard: true })];
    const decision = decide(subject(), policy({ rules }));
    expect([decision.outcome, decision.reasons]).toEqual([outcome, [`rule "never alone": ${outcome}`]]);
  });

  it('lets no hard rule count that does not match, nor a hard approval', () => {
    const elsewhere = rule('elsewhere', { author: 'another' }, { outcome: 'reject', hard: true });
    expect(decide(subject(), policy({ rules: [sure, elsewhere] })).outcome).toBe('auto_approve');
    const asks = rule('asks', {}, { outcome: 'require' });
    const hardApproval = rule('hard', {}, { outcome: 'auto_approve', hard: true });
    expect(decide(subject(), policy({ rules: [asks, hardApproval] })).outcome).toBe('require');
  });

  it('takes the first of two hard rules', () => {
    const rules = [
      approvesAll,
      rule('first', {}, { outcome: 'reject', hard: true }),
      rule('second', {}, { outcome: 'require', hard: true }),
    ];
    expect(decide(subject(), policy({ rules })).outcome).toBe('reject');
  });

  it.each<PolicyRule['then']['outcome']>(['auto_approve', 'reject', 'require'])(
    'asks a person in shadow mode, and tells that it would have said %s',
    (outcome) => {
      const decision = decide(subject(), policy({ mode: 'shadow', rules: [rule('shadowed', {}, { outcome })] }));
      expect(decision).toMatchObject({ outcome: 'require', required: 1 });
      expect(decision.reasons[0]).toBe(`rule "shadowed": ${outcome}`);
      expect(decision.reasons).toHaveLength(2);
    },
  );

  it('takes the sampled share of the approvals, up to it and no further', () => {
    const sampled = (sample: number, share: number) =>
      decide(subject({ sample }), policy({ mode: { sampled: share }, rules: [approvesAll] })).outcome;
    expect([sampled(0.0999, 0.1), sampled(0.1, 0.1)]).toEqual(['require', 'auto_approve']);
    expect([sampled(0, 0), sampled(0.9999, 1)]).toEqual(['auto_approve', 'require']);
  });

  it('samples approvals alone', () => {
    const rejects = policy({ mode: { sampled: 1 }, otherwise: { outcome: 'reject' } });
    expect(decide(subject(), rejects)).toMatchObject({ outcome: 'reject', reasons: ['no rule matched: reject'] });
  });

  it('changes neither the policy nor the draft that it reads', () => {
    const document = policy({ rules: [sure] });
    const before = structuredClone(document);
    expect(decide(Object.freeze(subject()), document)).toEqual(decide(Object.freeze(subject()), document));
    expect(document).toEqual(before);
  });
});
