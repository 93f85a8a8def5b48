// The send journal loses its oldest runs, and never one that a database which may come back has to ask for.
import { uuidv7 } from 'uuidv7';
import { findOldestReach } from '../../activities/backup/oldest-reach';
import { archiveRun, journalKey } from '../../activities/lane/journal';
import { listRecords, lostKey, pruneLists, writeRecord } from '../../activities/restore/records';
import { writeRemoval } from '../../activities/restore/removals';
import { readClaimsSince } from '../../activities/rewind/journal-claims';
import { pruneJournal } from '../../activities/rewind/journal-retention';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { putSigned, type SignedStore } from '../../ops/runtime/signed-store';
import { openBackups } from '../support/backups';
import { collect } from '../support/collect';
import { newFolder } from '../support/environment';
import { aRestore } from '../support/restore-record';

const HOUR_MS = 3_600_000;
const at = (hour: number) => new Date(Date.UTC(2026, 0, 1) + hour * HOUR_MS);
/** As Temporal names a run that began then. */
const runAt = (hour: number) => {
  const hex = at(hour).getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000001`;
};
const REACH = at(100);

let backups: SignedStore;
beforeEach(() => {
  backups = openBackups(`file://${newFolder('journal')}`);
});

/** A run that began at one hour, and claimed one draft at each of others. */
const archive = (began: number, ...claimed: number[]) =>
  archiveRun(backups, 'email', runAt(began), {
    complete: claimed.length > 0,
    claims: claimed.map((hour) => ({ at: at(hour).toISOString(), ids: [uuidv7()] })),
  });
const kept = async () => collect(backups.list('journal/'));
const keysOf = (...hours: number[]) => hours.map((hour) => journalKey('email', runAt(hour)));
const claimsSince = async (hour: number) => {
  const known = { knownUntil: at(hour).toISOString(), journalRun: null, namespaceId: null };
  const { complete, claimed } = await readClaimsSince({ backups, temporal: null }, known);
  return { complete, claimed: [...claimed] };
};

it('keeps the newest run that had claimed a day before the oldest state, and all later ones', async () => {
  for (const hour of [10, 30, 50, 70, 90, 110]) await archive(hour, hour + 1);
  const before = await claimsSince(76);
  expect(await pruneJournal(backups, REACH)).toBe(3);
  expect(await kept()).toEqual(keysOf(70, 90, 110));
  // What a restore to the oldest state asks for is all there, and so it is for one that knows nothing of its last hours.
  expect(await claimsSince(76)).toEqual(before);
  expect(await pruneJournal(backups, REACH)).toBe(0);
});

it('keeps a run whose successor began early and claimed late: a database between them still waits for its archive', async () => {
  await archive(10, 11);
  await archive(20, 99);
  await archive(120, 121);
  expect(await pruneJournal(backups, REACH)).toBe(0);
});

it.each<[string, number[][]]>([
  ['there is one run', [[10, 11]]],
  ['no run says when it claimed', [[10], [20], [30]]],
  [
    'all is young',
    [
      [90, 91],
      [95, 96],
    ],
  ],
])('removes nothing where %s', async (_title, runs) => {
  for (const [began = 0, ...claimed] of runs) await archive(began, ...claimed);
  expect(await pruneJournal(backups, REACH)).toBe(0);
});

it('keeps what it can’t understand, and runs whose names do not tell their time', async () => {
  const nameless = '0f3a1c2e-7d1b-4c3a-9f00-000000000001';
  await archiveRun(backups, 'email', nameless, { complete: true, claims: [] });
  await archive(10, 11);
  await archive(60, 61);
  await backups.put(journalKey('email', runAt(70)), Buffer.from('no JSON'));
  expect(await pruneJournal(backups, REACH)).toBe(1);
  expect(await kept()).toEqual([journalKey('email', nameless), ...keysOf(60, 70)].sort());
});

describe('the oldest state that the database may go back to', () => {
  const tools = (days = 7) => ({ backups, settings: { UNDO_RETENTION_DAYS: days } }) as unknown as RecoveryTools;
  const SETS = [{ id: '20260105T000000Z' }, { id: '20260109T000000Z' }];
  const reach = async () => (await findOldestReach(tools(), SETS))?.toISOString();

  it('is that of the oldest set; without a set nobody can say', async () => {
    expect(await reach()).toBe('2026-01-05T00:00:00.000Z');
    expect(await findOldestReach(tools(), [])).toBeNull();
  });

  it('is older while a cluster is kept for undo that an older restore left, until that is removed', async () => {
    await writeRecord(backups, aRestore());
    expect(await reach()).toBe('2026-01-02T00:00:00.000Z');
    await writeRemoval(backups, 'data', at(200));
    expect(await reach()).toBe('2026-01-05T00:00:00.000Z');
  });

  it('is that of a restore which is not settled: it asks the journal again', async () => {
    await writeRecord(backups, aRestore({ state: 'switched', previous: null, target: 'end' }));
    expect(await reach()).toBe('2026-01-02T00:00:00.000Z');
  });

  it('is not known where a record is damaged', async () => {
    await backups.put(`restores/${uuidv7()}.json`, Buffer.from('no JSON'));
    expect(await findOldestReach(tools(), SETS)).toBeNull();
  });

  it('is not known where a record names no set', async () => {
    await writeRecord(backups, aRestore({ setId: 'what is this' }));
    expect(await findOldestReach(tools(), SETS)).toBeNull();
  });
});

it('forgets what a settled restore lost with the sets from before it, and no record, nor what nobody has settled', async () => {
  const states = ['reconciled', 'accepted', 'undone', 'abandoned', 'switched', 'prepared'] as const;
  const records = states.map((state) => aRestore({ id: uuidv7(), at: at(10).toISOString(), state }));
  const late = aRestore({ id: uuidv7(), at: at(200).toISOString(), state: 'reconciled' });
  for (const record of [...records, late]) {
    await writeRecord(backups, record);
    await putSigned(backups, lostKey(record.id), { drafts: [] });
  }
  expect(await pruneLists(backups, REACH)).toBe(4);
  const lists = (await collect(backups.list('restores/'))).filter((key) => key.endsWith('/lost.json'));
  expect(lists.sort()).toEqual([...records.slice(4), late].map(({ id }) => lostKey(id)).sort());
  expect(await listRecords(backups)).toHaveLength(7);
  expect(await pruneLists(backups, REACH)).toBe(0);
});
