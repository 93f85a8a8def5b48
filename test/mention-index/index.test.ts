// The index of mentions: it knows everybody who is mentioned once it has caught up, whatever is written and whoever dies.

import { attachmentKey } from '../../activities/attachments';
import { MANY } from '../../activities/mention-index/lookup';
import { createAttachmentsStore } from '../../activities/user-erasure/stores/attachments';
import { createPostgresStore } from '../../activities/user-erasure/stores/postgres';
import { until } from '../support/until';
import { person } from '../user-erasure/stores/person';
import { Indexing, manyAddresses } from './indexing';

const ADA = 'ada@customer.example';
const BOB = 'bob@customer.example';

let indexing: Indexing;
beforeEach(async () => {
  indexing = await Indexing.create();
});
afterEach(() => indexing?.close());

const stores = () => {
  const { database, files, matcher } = indexing;
  const sources = { db: database.db, files, matcher, index: indexing.index() };
  return {
    postgres: createPostgresStore({ ...sources, deadlineHours: 72 }),
    attachments: createAttachmentsStore(sources),
  };
};

it('notes each address of a text once, whole addresses in columns, and forgets what is no longer there', async () => {
  const id = await indexing.draft(`Ask ${ADA} or ada%40customer.example, not x${ADA}`);
  await indexing.catchUp();
  expect(await indexing.placesOf(ADA)).toEqual([`revisions ${id}`]);
  expect(await indexing.placesOf('reader@example.org')).toEqual([`recipients ${id}`]);
  await indexing.database.db.revision.updateMany({ where: { draftId: id }, data: { body: `Ask ${BOB}` } });
  await indexing.catchUp();
  expect([await indexing.placesOf(ADA), await indexing.placesOf(BOB)]).toEqual([[], [`revisions ${id}`]]);
  await indexing.database.db.revision.deleteMany({ where: { draftId: id } });
  await indexing.catchUp();
  expect([await indexing.placesOf(BOB), await indexing.countDue()]).toEqual([[], 0]);
});

it('catches up with everything that was written before, in however many batches', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 60; n++) ids.push(await indexing.draft(`Ask ${ADA}, ${n}`));
  // More than one batch takes: the same rows, written again.
  for (let n = 0; n < 20; n++) await indexing.database.db.revision.updateMany({ data: { subject: `Again ${n}` } });
  let beats = 0;
  await indexing.index().catchUp(() => {
    beats += 1;
  });
  expect(beats).toBeGreaterThan(1);
  expect(await indexing.placesOf(ADA)).toEqual(ids.map((id) => `revisions ${id}`).sort());
});

it('notes large texts in parts', async () => {
  const large = 'word '.repeat(200_000);
  const ids: string[] = [];
  for (let n = 0; n < 7; n++) ids.push(await indexing.draft(`${large} ${ADA} ${n}`));
  await indexing.catchUp();
  expect(await indexing.placesOf(ADA)).toEqual(ids.map((id) => `revisions ${id}`).sort());
});

it('two that catch up at once both find everything noted', async () => {
  const id = await indexing.draft(`Ask ${ADA}`);
  await Promise.all([indexing.catchUp(), indexing.catchUp(), indexing.catchUp()]);
  expect([await indexing.placesOf(ADA), await indexing.countDue()]).toEqual([[`revisions ${id}`], 0]);
});

it('leaves a batch due whose indexer dies in the middle', async () => {
  await indexing.catchUp();
  const id = await indexing.draft(`Ask ${ADA}`);
  const due = await indexing.countDue();
  const { matcher, database } = indexing;
  const backend = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  const dying = indexing.index({
    matcher: {
      ...matcher,
      async hashesOf(...args) {
        const answer = await matcher.hashesOf(...args);
        await database.pool.query(`SELECT pg_terminate_backend(pid) FROM (${backend}) one`);
        await until('its connection is gone', async () => (await database.pool.query(backend)).rowCount === 0);
        return answer;
      },
    },
  });
  await expect(dying.noteBatch()).rejects.toThrow();
  expect([await indexing.placesOf(ADA), await indexing.countDue()]).toEqual([[], due]);
  await indexing.catchUp();
  expect([await indexing.placesOf(ADA), await indexing.countDue()]).toEqual([[`revisions ${id}`], 0]);
});

describe('a row with more addresses than the index lists', () => {
  const LAST = 'person-1199@customer.example';
  const STRANGER = person('stranger@elsewhere.example');

  it('is noted once, and read by everybody’s erasure', async () => {
    const id = await indexing.draft(manyAddresses());
    await indexing.catchUp();
    expect(await indexing.placesOfHash(Buffer.from(MANY))).toEqual([`revisions ${id}`]);
    expect(await indexing.placesOf(LAST)).toEqual([]);
    const { postgres } = stores();
    expect(await postgres.preview(STRANGER)).toMatchObject({ anonymise: 0 });
    expect(await postgres.preview(person(LAST))).toMatchObject({ anonymise: 1 });
    await postgres.purge(person(LAST), () => {});
    const { body } = await indexing.database.db.revision.findFirstOrThrow({ where: { draftId: id, revision: 2 } });
    expect(body).toBe(manyAddresses().replace(LAST, '[erased]'));
  });

  it('may be a file, which its person’s erasure finds', async () => {
    const { id, sha256 } = await indexing.upload(manyAddresses());
    await indexing.catchUp();
    expect(await indexing.placesOfHash(Buffer.from(MANY))).toEqual([`attachments ${id}`]);
    const { attachments } = stores();
    expect(await attachments.preview(STRANGER)).toMatchObject({ erase: 0 });
    await attachments.purge(STRANGER, () => {});
    expect(await indexing.hasObject(sha256)).toBe(true);
    expect(await attachments.purge(person(LAST), () => {})).toMatchObject({ erase: 1 });
    expect(await indexing.hasObject(sha256)).toBe(false);
  });

  it('costs the index no more than the limit, however many it has', async () => {
    await indexing.catchUp();
    const before = await indexing.countMentions();
    await indexing.draft('a/b/c/d/e@f.g '.repeat(20_000));
    await indexing.draft(manyAddresses(50_000));
    await indexing.catchUp();
    expect((await indexing.countMentions()) - before).toBeLessThan(1_000);
  });
});

it('knows a file with several addresses, and goes on where a file is missing from the store', async () => {
  const missing = await indexing.upload(`Ask ${BOB}`);
  await indexing.files.delete(attachmentKey(missing.sha256));
  const { id } = await indexing.upload(`name,mail\nAda,${ADA}\nBob,${BOB}\n`);
  await indexing.catchUp();
  expect([await indexing.placesOf(ADA), await indexing.placesOf(BOB)]).toEqual([
    [`attachments ${id}`],
    [`attachments ${id}`],
  ]);
  expect(await indexing.countDue()).toBe(0);
});
