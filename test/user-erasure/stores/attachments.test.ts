// The bytes of attachments as a store of personal data, in a folder and in S3 with versions.
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { uuidv7 } from 'uuidv7';
import { attachmentKey, storeAttachment } from '../../../activities/attachments';
import type { CommandContext } from '../../../activities/commands/context';
import { createMentionIndex } from '../../../activities/mention-index';
import { createMatcher } from '../../../activities/personal-data/matching/matcher';
import { createSubjects } from '../../../activities/personal-data/subject';
import { receiveFile } from '../../../activities/received-file';
import {
  type AttachmentsStoreDependencies,
  createAttachmentsStore,
} from '../../../activities/user-erasure/stores/attachments';
import { findAttachmentsThatMention } from '../../../activities/user-erasure/stores/mentioning-attachments';
import type { PersonalDataStore } from '../../../activities/user-erasure/stores/store';
import { type ObjectStore, openObjectStore } from '../../../ops/runtime/object-store';
import { BYTES, EMAIL, NEAR_MISSES, SPELLINGS } from '../../erasure-scan/spellings';
import { collect } from '../../support/collect';
import { aDraft, createTestCommands, SETTINGS, setStatus, type TestCommands } from '../../support/commands';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { newFolder } from '../../support/environment';
import { objectPlaces, useS3Server } from '../../support/object-places';
import { person } from './person';

const ADA = person(EMAIL);
const nothing = { erase: 0, anonymise: 0, withhold: 0, ground: null };
const s3 = useS3Server();
const matcher = createMatcher();
const subjects = createSubjects(SETTINGS.SECRET_KEY);
afterAll(() => matcher.close());

function sourcesOf({ db }: TestDatabase, files: ObjectStore): AttachmentsStoreDependencies {
  return { db, files, matcher, index: createMentionIndex({ db, files, subjects, matcher }) };
}
async function find({ index, ...sources }: AttachmentsStoreDependencies) {
  await index.catchUp(() => {});
  return findAttachmentsThatMention(sources, ADA);
}

describe.each(objectPlaces(s3, 'files'))('attachments %s', (_title, place) => {
  let database: TestDatabase;
  let test: TestCommands;
  let author: CommandContext;
  let files: ObjectStore;
  let store: PersonalDataStore;
  let sources: AttachmentsStoreDependencies;
  let url: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    test = createTestCommands(database.db);
    author = await test.person('an agent', 'author');
  });
  beforeEach(async () => {
    url = await place();
    files = openObjectStore(url);
    sources = sourcesOf(database, files);
    store = createAttachmentsStore(sources);
  });
  afterEach(async () => {
    await database.db.$executeRaw`TRUNCATE attachments, drafts, legal_holds CASCADE`;
  });
  afterAll(() => database.drop());

  async function upload(content: string | Buffer, name = 'notes.txt') {
    const file = await receiveFile(Readable.from([Buffer.from(content)]), name);
    const { type, size, sha256 } = file;
    const stored = await storeAttachment({ db: database.db, files }, file, () =>
      test.commands.recordAttachment(author, { name, type, size, sha256 }),
    );
    await file.discard();
    return stored;
  }
  async function draft(to: string, attachments: string[], status = 'sent') {
    const { id } = await test.commands.submitDraft(author, aDraft({ to, attachments }));
    await setStatus(database.db, id, status);
    return id;
  }
  /** As the store of PostgreSQL does it before. */
  const removeRows = async (...ids: string[]) => {
    await database.db.draftAttachment.deleteMany({ where: { attachmentId: { in: ids } } });
    await database.db.attachment.deleteMany({ where: { id: { in: ids } } });
  };
  const objects = () => collect(files.list('attachments/'));
  const purge = () => store.purge(ADA, () => {});
  const hold = (draftId: string) =>
    database.db.legalHold.create({
      data: { id: uuidv7(), draftId, reason: 'a lawsuit', createdBy: author.actor.id, createdAt: new Date() },
    });

  it('of the person’s drafts are counted and exported, and go at once when their rows are gone', async () => {
    const own = await upload('for Ada alone', 'for-ada.txt');
    const other = await upload('for somebody else');
    await draft(EMAIL, [own.id]);
    await draft(`x${EMAIL}`, [other.id]);
    expect(await store.preview(ADA)).toEqual({ ...nothing, erase: 1 });
    expect(await collect(store.export(ADA))).toEqual([
      {
        sha256: own.sha256,
        names: ['for-ada.txt'],
        type: 'text/plain',
        size: 13,
        content: Buffer.from('for Ada alone').toString('base64'),
      },
    ]);
    await removeRows(own.id);
    expect(await purge()).toEqual({ ...nothing, erase: 1 });
    expect(await objects()).toEqual([attachmentKey(other.sha256)]);
    expect(await purge()).toEqual(nothing);
    expect(await store.preview(ADA)).toEqual(nothing);
  });

  it('stay while somebody else’s draft has the same file', async () => {
    const own = await upload('the same');
    const other = await upload('the same');
    await draft(EMAIL, [own.id]);
    await draft('reader@example.org', [other.id]);
    expect(await store.preview(ADA)).toEqual(nothing);
    expect(await collect(store.export(ADA))).toEqual([]);
    await removeRows(own.id);
    expect(await purge()).toEqual(nothing);
    expect(await objects()).toEqual([attachmentKey(other.sha256)]);
  });

  it('of other people that mention the person go, row and object, and the trail says so', async () => {
    const mentioning = await upload(`name,mail\nAda,${EMAIL}\n`);
    const near = await upload(`name,mail\nAda,x${EMAIL}\n`);
    const id = await draft('reader@example.org', [mentioning.id, near.id]);
    expect(await store.preview(ADA)).toEqual({ ...nothing, erase: 1 });
    expect(await purge()).toEqual({ ...nothing, erase: 1 });
    expect(await objects()).toEqual([attachmentKey(near.sha256)]);
    expect((await database.db.attachment.findMany()).map((one) => one.id)).toEqual([near.id]);
    expect(await database.db.draftAttachment.findMany({ where: { draftId: id } })).toHaveLength(1);
    expect(
      await database.db.auditEvent.count({ where: { type: 'attachment.removed', subjectId: mentioning.id } }),
    ).toBe(1);
  });

  it('of an open draft are told with it and left to the store that can revise it', async () => {
    const file = await upload(EMAIL);
    const open = await draft('reader@example.org', [file.id], 'approved');
    expect(await find(sources)).toEqual([
      { id: file.id, sha256: file.sha256, drafts: [{ id: open, isHeld: false, isOpen: true }] },
    ]);
    await purge();
    expect(await objects()).toEqual([attachmentKey(file.sha256)]);
    await setStatus(database.db, open, 'rejected');
    await purge();
    expect(await objects()).toEqual([]);
  });

  it('under a legal hold stay, and are counted as withheld', async () => {
    const [own, mentioning] = [await upload('for Ada'), await upload(`to ${EMAIL}`)];
    await hold(await draft(EMAIL, [own.id]));
    const held = await hold(await draft('reader@example.org', [mentioning.id]));
    const withheld = { ...nothing, withhold: 2, ground: 'legal_hold' };
    expect(await store.preview(ADA)).toEqual(withheld);
    expect(await purge()).toEqual({ ...withheld, withhold: 1 });
    expect(await objects()).toHaveLength(2);
    await database.db.legalHold.update({ where: { id: held.id }, data: { releasedAt: new Date() } });
    await purge();
    expect(await objects()).toEqual([attachmentKey(own.sha256)]);
  });

  it('that no draft names yet stay, unless they mention the person', async () => {
    const fresh = await upload('not used yet');
    await upload(`Ada <${EMAIL}>`);
    expect(await purge()).toEqual({ ...nothing, erase: 1 });
    expect(await objects()).toEqual([attachmentKey(fresh.sha256)]);
  });

  it('are told by their name too', async () => {
    const named = await upload('nothing within', `${EMAIL}.pdf`);
    await upload('nothing within either', `x${EMAIL}.pdf`);
    expect((await find(sources)).map(({ id }) => id)).toEqual([named.id]);
  });
});

describe('in bytes', () => {
  let database: TestDatabase;
  let files: ObjectStore;
  beforeAll(async () => {
    database = await createTestDatabase();
    files = openObjectStore(pathToFileURL(newFolder('attachments')).href);
  });
  afterAll(() => database.drop());

  it('every spelling is a mention, over the border of windows too, and no near miss is', async () => {
    const test = createTestCommands(database.db);
    const author = await test.person('an agent', 'author');
    const expected = new Set<string>();
    async function add(content: Buffer, isMention: boolean) {
      const file = await receiveFile(Readable.from([content]), 'notes.txt');
      await files.put(attachmentKey(file.sha256), content);
      const { type, size, sha256 } = file;
      const { id } = await test.commands.recordAttachment(author, { name: 'notes.txt', type, size, sha256 });
      await file.discard();
      if (isMention) expected.add(id);
    }
    for (const [, text] of SPELLINGS) await add(Buffer.from(` ${text} `), true);
    // The last is a record of a database, in which the address touches what is no part of it: in a file it is another one.
    for (const [n, [, bytes]] of BYTES.entries()) await add(bytes, n < BYTES.length - 1);
    for (const [, text] of NEAR_MISSES) await add(Buffer.from(` ${text} `), false);
    const MIB = 1024 * 1024;
    const BORDERS = [MIB - 16 * 1024, MIB];
    const within = (text: string, at: number) => {
      const bytes = Buffer.alloc(MIB + 100_000, ' ');
      bytes.write(text, at);
      return bytes;
    };
    for (const border of BORDERS) {
      for (const at of [border - EMAIL.length, border - 5, border]) await add(within(EMAIL, at), true);
      await add(within(`x${EMAIL}`, border - 1), false);
      await add(within(`${EMAIL}.uk`, border - EMAIL.length), false);
    }
    const found = await find(sourcesOf(database, files));
    expect(new Set(found.map(({ id }) => id))).toEqual(expected);
  });
});

it('objects that only old versions are left of go too', async () => {
  const bucket = await s3.createBucket({ versioned: true });
  const files = openObjectStore(`s3://${bucket}`);
  const database = await createTestDatabase();
  const key = attachmentKey('0'.repeat(64));
  await files.put(key, Buffer.from(EMAIL));
  await s3.client().send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  expect(await collect(files.list('attachments/'))).toEqual([]);
  await createAttachmentsStore(sourcesOf(database, files)).purge({ ...ADA, isRepeated: true }, () => {});
  expect(await collect(files.versions('attachments/'))).toEqual([]);
  await database.drop();
});
