// A hash of the person's content that an author writes elsewhere is words, and stands in nobody's way.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { storeAttachment } from '../../activities/attachments';
import { hashContent } from '../../activities/commands/draft-content';
import { receiveFile } from '../../activities/received-file';
import { aDraft } from '../support/commands';
import { makePreview } from '../support/preview';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { World } from './races/world';

const ADA = 'ada@customer.example';
const FILE = 'for Ada alone';

let temporal: TestNamespace;
let world: World;
beforeAll(async () => {
  temporal = await createTestNamespace();
  world = await World.create(temporal);
});
afterAll(async () => {
  await world?.matcher.close();
  await world?.database.drop();
  await temporal?.close();
});

async function upload(content: string): Promise<{ id: string; name: string; type: string; sha256: string }> {
  const file = await receiveFile(Readable.from([Buffer.from(content)]), 'notes.txt');
  const { type, size, sha256 } = file;
  const stored = await storeAttachment(world, file, () =>
    world.commands.recordAttachment(world.author, { name: 'notes.txt', type, size, sha256 }),
  );
  await file.discard();
  return stored;
}

it('is left where it is, and the erasure is certified', async () => {
  const file = await upload(FILE);
  const own = aDraft({ to: ADA, attachments: [file.id] });
  await world.commands.submitDraft(world.author, own);
  const { to, subject, body } = own;
  const content = hashContent({ to, subject, body, replyTo: null, html: null, attachments: [file] });
  const hashes = [Buffer.from(content), createHash('sha256').update(FILE).digest()];
  const words = hashes.flatMap((hash) => [hash.toString('hex'), hash.toString('base64')]).join(' ');
  const list = await upload(`name,sha256\nnotes.txt,${words}\n`);
  const other = await world.commands.submitDraft(
    world.author,
    aDraft({ body: words, metadata: { words }, attachments: [list.id] }),
  );

  const { requestId } = await world.commands.requestErasure(world.admin, { email: ADA, grace: 'PT24H' });
  await makePreview(world.db, requestId);
  await world.commands.confirmErasure(world.admin, requestId);
  await world.activities.beginErasure(requestId);
  await world.purge(requestId);
  const scan = await world.run(world.activities.scanStores, requestId);
  expect(world.found).toEqual([]);
  expect((await world.run(world.activities.certifyErasure, { requestId, scan }))?.status).toBe('certified');
  expect(await world.db.revision.findFirst({ where: { draftId: other.id } })).toMatchObject({ body: words });
});
