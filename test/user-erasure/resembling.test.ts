// People whose addresses contain the address of somebody who is erased lose nothing, and do not stand in the erasure's way.
import { attachmentKey } from '../../activities/attachments';
import type { DraftView } from '../../activities/commands/draft-view';
import { collect } from '../support/collect';
import { isLongRun } from '../support/servers';
import { ErasureService } from './erasure-service';

const RESEMBLING = [
  ['brien@customer.example', "o'brien@customer.example"],
  ['nora@customer.example', "x'nora@customer.example"],
  ['nora.b@customer.example', 'nora.b+tag@customer.example'],
  ['nora.c@customer.example', 'a.nora.c@customer.example'],
  ['nora.d@customer.example', 'nora.d@customer.example.uk'],
  ['nora.e@customer.example', 'x/nora.e@customer.example'],
  ['nora.f@customer.example', 'to=nora.f@customer.example'],
] as const;

let service: ErasureService;
beforeAll(async () => {
  service = await ErasureService.create();
  service.base.runWorker();
});
afterAll(() => service?.close());

/** Everything that somebody of this address may be in. */
async function live(address: string): Promise<{ draft: DraftView; keyId: string; sha256: string; ids: string[] }> {
  const { base, commands, admin } = service;
  // In a text the end of an address behind a slash or an equals sign is an address too.
  const written = /[/=]/.test(address) ? 'nobody' : address;
  const key = await commands.createKey(admin, {
    name: `The holder ${written}`,
    email: address,
    roles: ['author'],
    groups: [written],
  });
  const file = await service.upload(`name,mail\nThey,${written}\n`, `${written.replace('/', '')}.txt`);
  const text = `Write to ${written}, '${written}' or <${written}>`;
  const content = { subject: `About ${written}`, body: text, html: `<p>${text.replaceAll("'", '&#39;')}</p>` };
  const about = { replyTo: address, metadata: { [`of ${written}`]: `a line\n${written}` }, campaign: written };
  const draft = await base.submitForReview(address, { ...content, ...about, attachments: [file] });
  const { suppression } = await commands.addSuppression(admin, { email: address, reason: `Asked by ${written}` });
  const hold = await commands.placeHold(admin, { email: 'held@elsewhere.example', reason: `For ${written}` });
  const { sha256 } = await base.database.db.attachment.findUniqueOrThrow({ where: { id: file } });
  return { draft, keyId: key.id, sha256, ids: [suppression.id, hold.id] };
}

async function rowsOf({ draft, keyId, ids }: Awaited<ReturnType<typeof live>>): Promise<unknown> {
  const { db } = service.base.database;
  return {
    draft: await db.draft.findUnique({ where: { id: draft.id }, include: { revisions: true } }),
    key: await db.apiKey.findUnique({ where: { id: keyId }, include: { principal: true } }),
    files: await db.draftAttachment.findMany({ where: { draftId: draft.id }, include: { attachment: true } }),
    suppressions: await db.suppression.findMany({ where: { id: { in: ids } } }),
    holds: await db.legalHold.findMany({ where: { id: { in: ids } } }),
  };
}

it.each(isLongRun ? RESEMBLING : RESEMBLING.slice(0, 3))(
  'erasing %s is certified and changes nothing of %s',
  async (person, other) => {
    const bystander = await live(other);
    const own = await service.base.submitForReview(person);
    const before = await rowsOf(bystander);
    expect((await service.erase(person)).status).toBe('certified');
    expect((await service.base.draft(own.id)).status).toBe('erased');
    expect(await rowsOf(bystander)).toEqual(before);
    expect(await collect(service.files.list(attachmentKey(bystander.sha256)))).toHaveLength(1);
  },
);
