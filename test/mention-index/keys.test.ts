// When SECRET_KEY changes, everything is due again, and erasures find everybody by the new keys alone.
import { createMentionIndex } from '../../activities/mention-index';
import { makeAllDue } from '../../activities/mention-index/keys';
import { createSubjects } from '../../activities/personal-data/subject';
import { createPostgresStore } from '../../activities/user-erasure/stores/postgres';
import { SETTINGS } from '../support/commands';
import { Indexing, newKey } from './indexing';
import { dueNameOf, takeDue, writeRows } from './rows';

const ADA = 'ada@customer.example';
const [OLD, NEW] = [SETTINGS.SECRET_KEY, newKey()];

let indexing: Indexing;
beforeEach(async () => {
  indexing = await Indexing.create();
});
afterEach(() => indexing?.close());

const makeDue = (keys: Buffer[], forgetsOthers: boolean) =>
  makeAllDue({ db: indexing.database.db, subjects: createSubjects(keys) }, { forgetsOthers });

it('a key that is new makes every row of every place due, once', async () => {
  const rows = await writeRows(indexing.test, indexing.database);
  await indexing.catchUp();
  expect(await indexing.countDue()).toBe(0);
  expect(await makeDue([NEW, ...OLD], false)).toBe(true);
  const due = await takeDue(indexing.database.pool);
  for (const row of rows.values()) expect(due).toContain(dueNameOf(row));
  expect([await makeDue([NEW, ...OLD], false), await indexing.countDue()]).toEqual([false, 0]);
});

it('while keys rotate, a process with the old keys alone makes nothing due', async () => {
  await indexing.draft(`Ask ${ADA}`);
  await indexing.index({ keys: [NEW, ...OLD] }).catchUp(() => {});
  expect([await makeDue(OLD, false), await indexing.countDue()]).toEqual([false, 0]);
});

it('an erasure that is the first to see a new key finds everybody', async () => {
  const id = await indexing.draft(`Ask ${ADA}`);
  await indexing.catchUp();
  await purge([NEW, ...OLD]);
  expect(await bodyOf(id)).toBe('Ask [erased]');
});

it('an erasure finds everybody when the old key has been dropped too', async () => {
  const id = await indexing.draft(`Ask ${ADA}`);
  await indexing.catchUp();
  expect(await indexing.placesOf(ADA, OLD)).toEqual([`revisions ${id}`]);
  expect(await makeDue([NEW], true)).toBe(true);
  await indexing.index({ keys: [NEW] }).catchUp(() => {});
  expect([await indexing.placesOf(ADA, OLD), await indexing.placesOf(ADA, [NEW])]).toEqual([[], [`revisions ${id}`]]);
  await purge([NEW]);
  expect(await bodyOf(id)).toBe('Ask [erased]');
});

async function purge(keys: Buffer[]): Promise<void> {
  const { database, files, matcher } = indexing;
  const { db } = database;
  const subjects = createSubjects(keys);
  const index = createMentionIndex({ db, files, matcher, subjects });
  const store = createPostgresStore({ db, files, matcher, index, deadlineHours: 72 });
  const request = { email: ADA, hashes: subjects.hashesOf(ADA), requestId: '01900000-0000-7000-8000-000000000001' };
  await store.purge(request, () => {});
}

async function bodyOf(draftId: string): Promise<string> {
  const revision = await indexing.database.db.revision.findFirstOrThrow({
    where: { draftId },
    orderBy: { revision: 'desc' },
  });
  return revision.body;
}
