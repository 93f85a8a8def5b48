// SECRET_KEY is rotated: suppressions hold as long as their key is kept, and drafts still to be sent get the new hashes.
import { rehashRecipients } from '../../activities/personal-data/rehash';
import { createSubjects } from '../../activities/personal-data/subject';
import { createTestCommands, setStatus } from '../support/commands';
import { TestService } from '../support/service';

const OLD = Buffer.alloc(32, 7);
const NEW = Buffer.alloc(32, 8);
const inEnvironment = (...keys: (typeof NEW)[]) => ({
  SECRET_KEY: keys.map((key) => key.toString('base64')).join(','),
});

let service: TestService;
beforeEach(async () => {
  service = await TestService.create();
});
afterEach(() => service?.close());

const hashesOf = async (id: string) => {
  const row = await service.database.db.draft.findUniqueOrThrow({ where: { id } });
  return row.recipientHashes.map((hash) => Buffer.from(hash).toString('hex'));
};
const expected = (email: string, ...keys: Buffer[]) =>
  createSubjects(keys)
    .hashesOf(email)
    .map((hash) => Buffer.from(hash).toString('hex'));
const suppressWith = (email: string, ...keys: (typeof NEW)[]) =>
  createTestCommands(service.database.db, { SECRET_KEY: keys }).commands.addSuppression(service.test.admin, {
    email,
    reason: 'asked for it',
  });

it('only what may still be sent, and has other hashes than the keys of today give, gets new ones', async () => {
  const { db } = service.database;
  const [open, before, parked, sent, erased] = [
    await service.submitForReview('open@example.org'),
    await service.submitDue('before@example.org'),
    await service.submitDue('parked@example.org'),
    await service.submitDue('sent@example.org'),
    await service.submitDue('erased@example.org'),
  ];
  await db.draft.update({ where: { id: before.id }, data: { recipientHashes: [] } });
  await setStatus(db, parked.id, 'failed', 'unknown');
  await setStatus(db, sent.id, 'sent', 'delivered');
  await db.draft.update({ where: { id: erased.id }, data: { status: 'erased', to: null, recipientHashes: [] } });
  const version = (await db.draft.findUniqueOrThrow({ where: { id: open.id } })).version;
  expect(await rehashRecipients(db, createSubjects([NEW, OLD]))).toBe(3);
  for (const [draft, to] of [
    [open, 'open'],
    [before, 'before'],
    [parked, 'parked'],
  ] as const)
    expect(await hashesOf(draft.id)).toEqual(expected(`${to}@example.org`, NEW, OLD));
  expect(await hashesOf(sent.id)).toEqual(expected('sent@example.org', OLD));
  expect(await hashesOf(erased.id)).toEqual([]);
  expect((await db.draft.findUniqueOrThrow({ where: { id: open.id } })).version).toBe(version);
  expect(await rehashRecipients(db, createSubjects([NEW, OLD]))).toBe(0);
});

it('goes through more drafts than one batch', async () => {
  const { db } = service.database;
  const { id } = await service.submitForReview('reader@example.org');
  await db.$executeRaw`
    INSERT INTO drafts (id, status, author_id, "to", decision, created_at, updated_at, needs_people)
    SELECT gen_random_uuid(), status, author_id, 'reader@example.org', decision, created_at, updated_at, needs_people
    FROM drafts, generate_series(1, 2000) WHERE id = ${id}::uuid`;
  expect(await rehashRecipients(db, createSubjects([OLD]))).toBe(2000);
  const [{ left }] = await db.$queryRaw<[{ left: bigint }]>`
    SELECT count(*) AS left FROM drafts WHERE cardinality(recipient_hashes) <> 1`;
  expect(left).toBe(0n);
});

it('a worker whose keys are newer than the drafts finds them suppressed all the same', async () => {
  const dropped = await service.submitDue('dropped@example.org');
  const kept = await service.submitDue('kept@example.org');
  const other = await service.submitDue('other@example.org');
  await suppressWith('kept@example.org', OLD);
  // Stored by a service that no longer knows the key under which the draft came.
  await suppressWith('dropped@example.org', NEW);
  service.runWorker(inEnvironment(NEW, OLD));
  for (const { id } of [dropped, kept])
    expect(await service.draftIn('blocked', id)).toMatchObject({ outcome: 'suppressed' });
  await service.draftIn('sent', other.id);
  expect(service.mail.begun).toEqual(['other@example.org']);
});

it('a suppression holds as long as its key is kept, and learns the newer key when the address is added again', async () => {
  const isSuppressed = async (email: string, ...keys: Buffer[]) => {
    const hashes = createSubjects(keys).hashesOf(email);
    const [row] = await service.database.db.$queryRaw<
      [{ yes: boolean }]
    >`SELECT is_suppressed(${hashes}::bytea[]) AS yes`;
    return row.yes;
  };
  const { suppression } = await suppressWith('reader@example.org', OLD);
  expect(await isSuppressed('reader@example.org', NEW, OLD)).toBe(true);
  expect(await isSuppressed('reader@example.org', NEW)).toBe(false);
  expect(await suppressWith('reader@example.org', NEW, OLD)).toEqual({ suppression, added: false });
  expect(await isSuppressed('reader@example.org', NEW)).toBe(true);
});
