// A database that goes back to a time before an erasure: whoever is mentioned in it is found again, however they are spelled.
import { Readable } from 'node:stream';
import { uuidv7 } from 'uuidv7';
import { storeAttachment } from '../../activities/attachments';
import type { SubmitInput } from '../../activities/commands/index';
import { openLedger } from '../../activities/erasure-ledger/ledger';
import { replayLedger } from '../../activities/erasure-ledger/replay';
import { mentionsOf } from '../../activities/personal-data/mentions';
import { createSubjects } from '../../activities/personal-data/subject';
import { receiveFile } from '../../activities/received-file';
import { openObjectStore } from '../../ops/runtime/object-store';
import { RewoundService } from '../rewind/rewound-service';
import { SETTINGS } from '../support/commands';
import { TestService } from '../support/service';

const nameOf = (n: number) => `ada-${n}`;
const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Each alone mentions somebody of its own. */
const WRITTEN: [name: string, write: (email: string) => Partial<SubmitInput>][] = [
  ['to=…', (email) => ({ body: `https://crm.example/?to=${email}` })],
  ['x/…', (email) => ({ body: `team/${email}` })],
  ["'…'", (email) => ({ body: `'${email}'` })],
  ['a line break in JSON', (email) => ({ metadata: { note: `Hello\n${email}` } })],
  ['a key of JSON', (email) => ({ metadata: { [`of ${email}`]: true } })],
  ['&#x40;', (email) => ({ html: `<p>${email.replace('@', '&#x40;')}</p>` })],
  ['=40', (email) => ({ body: email.replace('@', '=40') })],
  ['\\u0040', (email) => ({ body: email.replace('@', '\\u0040') })],
  ['base64', (email) => ({ body: `See ${base64(`to ${email}`)}` })],
  ['an idempotency key', (email) => ({ idempotencyKey: `order/${email}` })],
  ['a reply address', (email) => ({ replyTo: email.toUpperCase() })],
];

it('finds everybody again whom a restored database mentions', async () => {
  const service = await TestService.create();
  const { db } = service.database;
  const { commands } = service.test;
  const emails = [
    ...WRITTEN.map((_, n) => `${nameOf(n)}@customer.example`),
    'in-a-file@customer.example',
    'in-many@customer.example',
  ];
  for (const [n, [, write]] of WRITTEN.entries())
    await service.submitForReview('bob@elsewhere.example', write(emails[n] as string));
  await upload(`name,mail\nAda,${emails.at(-2)}\n`);
  await upload(
    `${Array.from({ length: 1_500 }, (_, n) => `person-${n}@customer.example`).join('\n')}\n${emails.at(-1)}`,
  );

  const restored = await RewoundService.cut(service);
  const subjects = createSubjects(SETTINGS.SECRET_KEY);
  const ledger = openLedger({ BACKUP_URL: service.environment.BACKUP_URL as string, SECRET_KEY: SETTINGS.SECRET_KEY });
  for (const email of emails) {
    const subject = subjects.hashesOf(email).map((hash) => Buffer.from(hash).toString('hex'));
    await ledger.append({ requestId: uuidv7(), subject, certifiedAt: new Date().toISOString() });
  }
  const erasures = restored.erasures;
  expect(await replayLedger(erasures)).toBe(emails.length);

  const drafts = await restored.db.draft.findMany({ include: { revisions: true } });
  const left = JSON.stringify(
    drafts.map(({ metadata, idempotencyKey, replyTo, revisions, revision }) => [
      metadata,
      idempotencyKey,
      replyTo,
      revisions.map(({ body, html, subject }) => [body, html, subject]),
      revision,
    ]),
  );
  expect(emails.filter((email) => mentionsOf(email).isIn(left))).toEqual([]);
  expect(left.match(/\[erased\]/g)?.length).toBeGreaterThanOrEqual(WRITTEN.length - 2);
  expect(await restored.db.attachment.count()).toBe(0);
  expect(await db.attachment.count()).toBe(2);
  await erasures.matcher.close();
  await restored.close();
  await service.close();

  async function upload(content: string): Promise<void> {
    const file = await receiveFile(Readable.from([Buffer.from(content)]), 'notes.csv');
    const { type, size, sha256 } = file;
    await storeAttachment({ db, files: openObjectStore(service.environment.FILES_URL as string) }, file, () =>
      commands.recordAttachment(service.author, { name: 'notes.csv', type, size, sha256 }),
    );
    await file.discard();
  }
});
