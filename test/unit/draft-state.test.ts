import {
  DRAFT_STATUSES,
  type DraftState,
  type DraftStatus,
  draftApprovalId,
  isFinal,
  isNewer,
  isParked,
} from '../../workflows/contracts/draft-approval';

const state = (changes: Partial<DraftState> = {}): DraftState => ({
  generation: 1,
  version: 1,
  status: 'pending_review',
  revision: 1,
  expiresAt: null,
  dueAt: null,
  outcome: null,
  ...changes,
});

describe('the message of a draft', () => {
  it.each([
    ['a higher version', { version: 3 }, { version: 2 }, true],
    ['the same version', { version: 2 }, { version: 2 }, false],
    ['a lower version', { version: 1 }, { version: 2 }, false],
    ['a higher generation with a lower version', { generation: 2, version: 1 }, { generation: 1, version: 9 }, true],
    ['a lower generation with a higher version', { generation: 1, version: 9 }, { generation: 2, version: 1 }, false],
  ])('with %s is newer or not', (_title, a, b, newer) => {
    expect(isNewer(state(a), state(b))).toBe(newer);
  });

  it('wins by what is highest, in whatever order and however often the messages come', () => {
    const messages = [
      state({ version: 1 }),
      state({ version: 3 }),
      state({ generation: 2, version: 2 }),
      state({ version: 2 }),
      state({ generation: 2, version: 2 }),
    ];
    const keep = (all: DraftState[]) => all.reduce((kept, next) => (isNewer(next, kept) ? next : kept));
    expect(keep(messages)).toMatchObject({ generation: 2, version: 2 });
    expect(keep([...messages].reverse())).toMatchObject({ generation: 2, version: 2 });
  });
});

describe('the states of a draft', () => {
  const final = ['rejected', 'expired', 'withdrawn', 'sent', 'failed', 'blocked', 'erased'];

  it.each(DRAFT_STATUSES.map((status): [DraftStatus, boolean] => [status, final.includes(status)]))(
    '%s is final: %s',
    (status, isLast) => {
      expect(isFinal({ status, outcome: null })).toBe(isLast);
    },
  );

  it('let a parked draft wait for a person, and a refused one not', () => {
    expect(isParked({ status: 'failed', outcome: 'unknown' })).toBe(true);
    expect(isFinal({ status: 'failed', outcome: 'unknown' })).toBe(false);
    expect(isParked({ status: 'failed', outcome: 'refused' })).toBe(false);
    expect(isFinal({ status: 'failed', outcome: 'refused' })).toBe(true);
    expect(isParked({ status: 'sent', outcome: 'unknown' })).toBe(false);
  });

  it('are carried by a workflow whose id says nothing but the draft', () => {
    expect(draftApprovalId('0192')).toBe('draft-0192');
  });
});
