import type { z } from 'zod';
import { fieldErrors } from '../../api/endpoint';
import { Approval, NewDraft, Rejection } from '../../api/schemas/draft';
import { NewKey } from '../../api/schemas/key';
import { Policy } from '../../api/schemas/policy';
import { aDraft } from '../support/commands';

const faults = (schema: z.ZodType, value: unknown) => {
  const { error } = schema.safeParse(value);
  return error ? error.issues.flatMap(fieldErrors) : [];
};
const draftFaults = (changes: object) => faults(NewDraft, { ...aDraft(), ...changes });
const HALF = '\ud83d';

describe('an address', () => {
  it.each([
    'ada@example.org',
    'ada.lovelace+orders@mail.example.org',
    "o'neil@example.org",
    'ada@bücher.example',
    'ada@xn--bcher-kva.example',
    'ada@例え.テスト',
    `${'a'.repeat(64)}@example.org`,
  ])('may be %s', (to) => {
    expect(draftFaults({ to })).toEqual([]);
    expect(draftFaults({ replyTo: to })).toEqual([]);
  });

  it.each([
    '',
    'ada',
    'ada@',
    '@example.org',
    'ada@localhost',
    'ada@@example.org',
    'a@b@example.org',
    'Ada <ada@example.org>',
    '<ada@example.org>',
    'ada@example.org,bob@example.org',
    'ada@example.org; bob@example.org',
    ' ada@example.org',
    'ada@example.org\r\nBcc: bob@example.org',
    'ada\n@example.org',
    'ada@exam ple.org',
    'ada@example.org\0',
    '"ada lovelace"@example.org',
    '.ada@example.org',
    'ada.@example.org',
    'a..b@example.org',
    'ada@-example.org',
    'ada@example..org',
    'ada@example.org.',
    'ada@192.168.1.1',
    'ada@[127.0.0.1]',
    'ada@ex%61mple.org',
    `${'a'.repeat(65)}@example.org`,
    `ada@${'a'.repeat(64)}.org`,
    `ada@${'a.'.repeat(130)}org`,
    `ada@${'例えば.'.repeat(25)}example.org`,
    `ada@example.org${HALF}`,
  ])('may not be %j', (to) => {
    expect(draftFaults({ to })).toEqual([{ path: 'to', message: expect.stringContaining('one bare e-mail address') }]);
  });
});

describe('the words of a draft', () => {
  it('has a subject of 1 to 998 characters, however many bytes they take', () => {
    expect(draftFaults({ subject: 'x'.repeat(998) })).toEqual([]);
    expect(draftFaults({ subject: '🚀'.repeat(998) })).toEqual([]);
    for (const subject of [
      'x'.repeat(999),
      '🚀'.repeat(999),
      '',
      '   ',
      'a\nb',
      'a\rb',
      'a\0b',
      'a\u2028b',
      HALF,
      7,
      null,
    ]) {
      expect(draftFaults({ subject })).toEqual([{ path: 'subject', message: expect.any(String) }]);
    }
  });

  it('has a body and perhaps HTML, which are not empty and hold no NUL', () => {
    expect(draftFaults({ body: 'a\n\n\tb', html: '<p>a</p>' })).toEqual([]);
    for (const text of ['', ' \n ', 'a\0b', `a${HALF}b`]) {
      expect(draftFaults({ body: text })).toEqual([{ path: 'body', message: expect.any(String) }]);
      expect(draftFaults({ html: text })).toEqual([{ path: 'html', message: expect.any(String) }]);
    }
  });

  it('names every fault at once, the unknown and the missing too', () => {
    expect(faults(NewDraft, { subject: '', colour: 'blue' })).toEqual([
      { path: 'to', message: 'is required' },
      { path: 'subject', message: 'must not be empty' },
      { path: 'body', message: 'is required' },
      { path: 'colour', message: 'is not a known field' },
    ]);
  });
});

describe('the rest of a draft', () => {
  it.each([
    ['confidence', [0, 1, 0.5], [-0.1, 1.1, '0.5', null]],
    [
      'sendAt',
      ['2026-01-23T21:58:28Z', '2026-01-23T21:58:28.507+02:00', '9999-12-31T23:59:59.999Z'],
      [
        'tomorrow',
        '2026-01-23',
        '2026-02-30T00:00:00Z',
        '2026-01-23T21:58:28',
        0,
        // In UTC a year of one digit too many, and one that PostgreSQL does not know.
        '9999-12-31T23:59:59-00:01',
        '0000-01-01T00:00:00Z',
      ],
    ],
    ['campaign', ['spring'], ['', 'a\nb', 'x'.repeat(101)]],
  ])('has %s as it must be', (field, good, bad) => {
    for (const value of good) expect(draftFaults({ [field]: value })).toEqual([]);
    for (const value of bad)
      expect(draftFaults({ [field]: value })).toEqual([{ path: field, message: expect.any(String) }]);
  });

  it('names each attachment by its id, and once', () => {
    const id = '01a20d18-0000-7000-8000-000000000000';
    expect(draftFaults({ attachments: [id] })).toEqual([]);
    expect(draftFaults({ attachments: [id, id] })[0]?.path).toBe('attachments');
    expect(draftFaults({ attachments: ['x'] })).toEqual([{ path: 'attachments.0', message: 'must be a UUID' }]);
    expect(draftFaults({ attachments: Array(21).fill(id) })[0]?.path).toBe('attachments');
  });

  it('may write the ids of its attachments in capitals', () => {
    const id = '01a20d18-0000-7000-8000-00000000abcd';
    expect(NewDraft.parse({ ...aDraft(), attachments: [id.toUpperCase()] }).attachments).toEqual([id]);
    expect(draftFaults({ attachments: [id, id.toUpperCase()] })[0]?.path).toBe('attachments');
  });

  it('has metadata that is a small object which PostgreSQL can keep', () => {
    expect(draftFaults({ metadata: { a: [1, { b: 'ü😀' }] } })).toEqual([]);
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    for (const metadata of [
      [],
      'x',
      { a: deep },
      { a: 'x\0' },
      { 'x\0': 1 },
      { a: [HALF] },
      { a: 'x'.repeat(17_000) },
    ]) {
      expect(draftFaults({ metadata })).toEqual([{ path: 'metadata', message: expect.any(String) }]);
    }
  });
});

describe('what is written beside a decision', () => {
  it('may have 10,000 characters; empty words are none where none are needed', () => {
    expect(Approval.parse({ revision: 1, comment: '🚀'.repeat(10_000) }).comment).toHaveLength(20_000);
    for (const comment of ['', ' \n']) expect(Approval.parse({ revision: 1, comment }).comment).toBeUndefined();
    for (const comment of ['x'.repeat(10_001), 'a\0b', 7, null]) {
      expect(faults(Approval, { revision: 1, comment })).toEqual([{ path: 'comment', message: expect.any(String) }]);
    }
    expect(faults(Rejection, { reason: ' ' })).toEqual([{ path: 'reason', message: 'must not be empty' }]);
  });
});

describe('a policy', () => {
  const policy = (rule: object, rest: object = {}) => ({
    mode: 'active',
    rules: [{ name: 'a rule', when: {}, then: { outcome: 'require' }, ...rule }],
    otherwise: { outcome: 'require' },
    ...rest,
  });

  it('tests confidence and author, and says so of any other field', () => {
    expect(faults(Policy, policy({ when: { confidence: { gte: 0.9, lt: 1 }, author: { in: ['an agent'] } } }))).toEqual(
      [],
    );
    expect(faults(Policy, policy({ when: { confidence: 1, author: 'an agent' } }))).toEqual([]);
    expect(faults(Policy, policy({ when: { recipientDomain: 'example.org' } }))).toEqual([
      {
        path: 'rules.0.when.recipientDomain',
        message: 'is no field that a rule can test; take `confidence` or `author`',
      },
    ]);
  });

  it.each([
    ['rules.0.when.confidence.gte', policy({ when: { confidence: { gte: 'high' } } })],
    ['rules.0.when.confidence', policy({ when: { confidence: {} } })],
    ['rules.0.when.author.gte', policy({ when: { author: { eq: 'x', gte: 1 } } })],
    ['rules.0.then.approvals', policy({ then: { outcome: 'require', approvals: 2 } })],
    ['rules.0.then.groups', policy({ then: { outcome: 'require', groups: ['legal'] } })],
    ['rules.0.then.deadlineHours', policy({ then: { outcome: 'require', deadlineHours: 0 } })],
    ['rules.0.then.outcome', policy({ then: { outcome: 'perhaps' } })],
    ['rules', policy({}, { rules: [1, 2].map(() => policy({}).rules[0]) })],
    ['mode', policy({}, { mode: 'lazy' })],
    ['mode.sampled', policy({}, { mode: { sampled: 2 } })],
    ['otherwise', { mode: 'active', rules: [] }],
    ['version', policy({}, { version: 1 })],
  ])('names %s as the fault', (path, document) => {
    expect(faults(Policy, document).map((fault) => fault.path)).toEqual([path]);
  });

  it('may say what is so anyway: one approval', () => {
    expect(
      faults(Policy, policy({ then: { outcome: 'require', approvals: 1, deadlineHours: 1.5, hard: true } })),
    ).toEqual([]);
    expect(faults(Policy, policy({}, { mode: { sampled: 0.1 } }))).toEqual([]);
  });
});

describe('a new key', () => {
  it('has groups that are codes in any script', () => {
    const groups = ['legal', 'legal-de', 'Team 7', 'a.b_c', 'Einkäufer', '法務'];
    expect(NewKey.parse({ name: 'Zoe', roles: ['approver'], groups }).groups).toEqual(groups);
  });

  it.each([
    'ada@customer.example',
    'team of <ada>',
    'a%40b',
    'a＠b.example',
    '-legal',
    'legal ',
    'a\nb',
    'x'.repeat(101),
    '',
  ])('has no group %j, and is told what a group is', (group) => {
    const [fault, ...more] = faults(NewKey, { name: 'Zoe', roles: ['approver'], groups: ['legal', group] });
    expect(more).toEqual([]);
    expect(fault).toEqual({ path: 'groups.1', message: expect.stringMatching(/^must /) });
  });

  it('says what to do about a group that holds an address', () => {
    const given = { name: 'Zoe', roles: ['approver'], groups: ['ada@customer.example'] };
    expect(faults(NewKey, given)[0]?.message).toContain('Put no address into it.');
  });

  it.each([' Zoe\u0308 ', '\uff3aoë', '\u{1d419}oë', 'Zoë\u00a0'])('has the name %j in one form only', (name) => {
    expect(NewKey.parse({ name, roles: ['author'] }).name).toBe('Zoë');
  });

  it.each([
    ['a zero-width space', 'A\u200bda'],
    ['a zero-width joiner', 'A\u200dda'],
    ['a variation selector', 'Ada\ufe0f'],
    ['a tag', 'Ada\u{e0041}'],
    ['a soft hyphen', 'A\u00adda'],
    ['a change of direction', '\u202eadA'],
    ['a filler', 'Ada\u3164'],
    ['a blank', 'Ada\u2800'],
    ['a private character', 'Ada\ue000'],
    ['our own prefix in other letters', '\u0441ountersign:admin'],
  ])('has no name with %s', (_what, name) => {
    expect(faults(NewKey, { name, roles: ['author'] })).toEqual([{ path: 'name', message: expect.any(String) }]);
  });

  it.each([
    [{ name: '', roles: ['author'] }, 'name'],
    [{ name: 'countersign:admin', roles: ['author'] }, 'name'],
    [{ name: 'a\nb', roles: ['author'] }, 'name'],
    [{ name: 'x', roles: [] }, 'roles'],
    [{ name: 'x', roles: ['king'] }, 'roles.0'],
    [{ name: 'x', roles: ['author', 'author'] }, 'roles'],
    [{ name: 'x', roles: ['author'], email: 'x' }, 'email'],
    [{ name: 'x', roles: ['author'], admin: true }, 'admin'],
  ])('may not be %j', (key, path) => {
    expect(faults(NewKey, key).map((fault) => fault.path)).toEqual([path]);
  });
});
