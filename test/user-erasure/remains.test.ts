// What may still hold an erased person, and until when: told by what lies under BACKUP_URL, and never too early.
import { uuidv7 } from 'uuidv7';
import { type RestoreRecord, writeRecord } from '../../activities/restore/records';
import { writeRemoval } from '../../activities/restore/removals';
import { createRemains } from '../../activities/user-erasure/remains';
import type { SignedStore } from '../../ops/runtime/signed-store';
import { openBackups } from '../support/backups';
import { newFolder } from '../support/environment';
import { aRestore } from '../support/restore-record';

const CERTIFIED = new Date('2026-01-10T12:00:00.000Z');
let backups: SignedStore;
beforeEach(() => {
  backups = openBackups(`file://${newFolder('remains')}`);
});

const remains = async () =>
  (await createRemains(backups, { BACKUP_RETENTION_DAYS: 30, UNDO_RETENTION_DAYS: 7 })())(CERTIFIED);
const restored = (changes: Partial<RestoreRecord>) =>
  writeRecord(backups, aRestore({ at: '2026-01-09T00:00:00.000Z', ...changes }));

it('is nothing where there is neither a backup nor a restore', async () => {
  const until = CERTIFIED.toISOString();
  expect(await remains()).toEqual({
    backupsUntil: until,
    backups: { retentionDays: 30, keptByCount: false, until, expectedUntil: until },
    keptForUndo: [],
  });
});

it.each(['sets/20251101T000000Z/manifest.json', 'pgbackrest/archive/countersign/15-1/a-segment'])(
  'promises no last day while there is %s: sets are kept by count; it says which day is to be expected',
  async (key) => {
    await backups.put(key, Buffer.from('{}'));
    expect(await remains()).toMatchObject({
      backupsUntil: null,
      backups: { keptByCount: true, until: null, expectedUntil: '2026-02-11T12:00:00.000Z' },
    });
  },
);

it('names a database that is kept for undo, with the day by which the daily run has removed it, and forgets it then', async () => {
  await restored({});
  expect((await remains()).keptForUndo).toEqual([{ cluster: 'data', until: '2026-01-18T00:00:00.000Z' }]);
  await writeRemoval(backups, 'data', new Date('2026-01-16T05:00:00.000Z'));
  expect((await remains()).keptForUndo).toEqual([]);
});

it('gives one that is overdue two more days, and one that its restore still needs no day', async () => {
  await restored({ at: '2026-01-01T00:00:00.000Z' });
  expect((await remains()).keptForUndo).toEqual([{ cluster: 'data', until: '2026-01-12T12:00:00.000Z' }]);
  await restored({ state: 'switched', cluster: `data-${uuidv7()}`, previous: aRestore().cluster });
  expect((await remains()).keptForUndo).toEqual([
    { cluster: 'data', until: '2026-01-12T12:00:00.000Z' },
    { cluster: aRestore().cluster, until: null },
  ]);
});
