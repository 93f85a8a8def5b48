import { Readable } from 'node:stream';
import { attachmentKey, storeAttachment, sweepUnusedAttachments } from '../../activities/attachments';
import type { CommandContext } from '../../activities/commands/context';
import type { AttachmentView } from '../../activities/commands/draft-view';
import { type ReceivedFile, receiveFile } from '../../activities/received-file';
import { type ObjectStore, openObjectStore } from '../../ops/runtime/object-store';
import { collect } from '../support/collect';
import { aDraft, createTestCommands, refusalOf, type TestCommands } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { objectPlaces, useS3Server } from '../support/object-places';
import { until } from '../support/until';

const DAY_MS = 86_400_000;
const s3 = useS3Server();

describe.each(objectPlaces(s3, 'files'))('attachments %s', (_title, place) => {
  let database: TestDatabase;
  let test: TestCommands;
  let author: CommandContext;
  let files: ObjectStore;
  let puts: string[];

  beforeAll(async () => {
    database = await createTestDatabase();
    test = createTestCommands(database.db);
    author = await test.person('an agent', 'author');
  });
  beforeEach(async () => {
    const store = openObjectStore(await place());
    puts = [];
    files = {
      ...store,
      put: (key, content, options) => {
        puts.push(key);
        return store.put(key, content, options);
      },
    };
  });
  afterEach(async () => {
    await database.db.$executeRaw`TRUNCATE attachments, drafts CASCADE`;
  });
  afterAll(() => database.drop());

  const receive = (text: string) => receiveFile(Readable.from([Buffer.from(text)]), 'notes.txt');
  const record = (file: ReceivedFile) => () =>
    test.commands.recordAttachment(author, {
      name: 'notes.txt',
      type: file.type,
      size: file.size,
      sha256: file.sha256,
    });
  const upload = async (text: string, at?: Date): Promise<AttachmentView> => {
    const file = await receive(text);
    const stored = await storeAttachment({ db: database.db, files }, file, record(file));
    await file.discard();
    if (at) await database.db.attachment.update({ where: { id: stored.id }, data: { createdAt: at } });
    return stored;
  };
  const sweep = (olderThan: Date) => sweepUnusedAttachments(database.db, files, olderThan);
  const objects = () => collect(files.list('attachments/'));
  const rows = async () => (await database.db.attachment.findMany({ orderBy: { id: 'asc' } })).map(({ id }) => id);
  const aDayAgo = () => new Date(Date.now() - DAY_MS);

  it('are stored once, however often the same bytes come', async () => {
    const [one, two] = [await upload('same'), await upload('same')];
    expect(one.sha256).toBe(two.sha256);
    expect(one.id).not.toBe(two.id);
    expect(puts).toEqual([attachmentKey(one.sha256)]);
    expect(await objects()).toEqual([attachmentKey(one.sha256)]);
  });

  it('of the same bytes uploaded at the same time are all there', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => upload('at once')));
    expect(new Set(all.map(({ id }) => id)).size).toBe(6);
    expect(await objects()).toEqual([attachmentKey(all[0]?.sha256 ?? '')]);
  });

  it('go when no draft names them and a day has passed, to the millisecond', async () => {
    const limit = aDayAgo();
    const old = await upload('old', new Date(limit.getTime() - 1));
    const young = await upload('young', limit);
    expect(await sweep(limit)).toEqual({ attachments: 1, objects: 1 });
    expect(await rows()).toEqual([young.id]);
    expect(await objects()).toEqual([attachmentKey(young.sha256)]);
    expect(await files.has(attachmentKey(old.sha256))).toBe(false);
  });

  it('stay as long as a draft names them', async () => {
    const named = await upload('named', new Date(0));
    await test.commands.submitDraft(author, aDraft({ attachments: [named.id] }));
    expect(await sweep(aDayAgo())).toEqual({ attachments: 0, objects: 0 });
    expect(await rows()).toEqual([named.id]);
    expect(await objects()).toEqual([attachmentKey(named.sha256)]);
  });

  it('leave their bytes to another attachment of the same bytes', async () => {
    await upload('shared', new Date(0));
    const young = await upload('shared');
    expect(await sweep(aDayAgo())).toEqual({ attachments: 1, objects: 0 });
    expect(await rows()).toEqual([young.id]);
    expect(await objects()).toEqual([attachmentKey(young.sha256)]);
  });

  it('go in more than one batch, and the trail says which went', async () => {
    const file = await receive('many');
    await storeAttachment({ db: database.db, files }, file, record(file));
    for (let n = 0; n < 120; n++) await record(file)();
    await file.discard();
    await database.db.attachment.updateMany({ data: { createdAt: new Date(0) } });
    expect(await sweep(aDayAgo())).toEqual({ attachments: 121, objects: 1 });
    const removed = await database.db.auditEvent.count({ where: { type: 'attachment.removed' } });
    expect(removed).toBeGreaterThanOrEqual(121);
  });

  it('whose upload was killed before its row was written go with the next sweep', async () => {
    await files.put(attachmentKey('0'.repeat(64)), Buffer.from('an orphan'));
    expect(await sweep(aDayAgo())).toEqual({ attachments: 0, objects: 1 });
    expect(await objects()).toEqual([]);
  });

  it('keep their bytes when a sweep runs between the look at the store and the row', async () => {
    const old = await upload('raced', new Date(0));
    const file = await receive('raced');
    const stored = await storeAttachment({ db: database.db, files }, file, async () => {
      expect(await sweep(aDayAgo())).toEqual({ attachments: 1, objects: 1 });
      return record(file)();
    });
    await file.discard();
    expect(await rows()).toEqual([stored.id]);
    expect(await objects()).toEqual([attachmentKey(old.sha256)]);
  });

  it('keep their bytes when a sweep deletes them while the upload ends', async () => {
    const uploads: Promise<AttachmentView>[] = [];
    for (let round = 0; round < 10; round++) {
      await upload(`busy ${round}`, new Date(0));
      uploads.push(upload(`busy ${round}`));
      await sweep(aDayAgo());
    }
    for (const { id, sha256 } of await Promise.all(uploads)) {
      expect([id, await files.has(attachmentKey(sha256))]).toEqual([id, true]);
    }
  });

  it('that a draft is just taking are left alone by the sweep', async () => {
    const taken = await upload('taken', new Date(0));
    const draft = await test.commands.submitDraft(author, aDraft());
    await database.db.$transaction(async (tx) => {
      await tx.draftAttachment.create({ data: { draftId: draft.id, attachmentId: taken.id, position: 1 } });
      expect(await sweep(aDayAgo())).toEqual({ attachments: 0, objects: 0 });
    });
    expect(await rows()).toEqual([taken.id]);
    expect(await sweep(aDayAgo())).toEqual({ attachments: 0, objects: 0 });
  });

  it('that the sweep has just taken are refused to a draft', async () => {
    const swept = await upload('swept', new Date(0));
    await sweep(aDayAgo());
    expect(await refusalOf(test.commands.submitDraft(author, aDraft({ attachments: [swept.id] })))).toBe('invalid');
  });

  it('that the sweep takes while a draft names them are refused to it', async () => {
    const swept = await upload('contended', new Date(0));
    let submitting: Promise<string> | undefined;
    await database.db.$transaction(async (tx) => {
      await tx.attachment.delete({ where: { id: swept.id } });
      submitting = refusalOf(test.commands.submitDraft(author, aDraft({ attachments: [swept.id] })));
      await until('the submit waits for the row', async () => {
        const waiting = await database.db.$queryRaw<unknown[]>`
          SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
        return waiting.length > 0;
      });
    });
    expect(await submitting).toBe('invalid');
  });
});
