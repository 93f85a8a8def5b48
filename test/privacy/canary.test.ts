// A canary in every field of a draft: whatever becomes of its mail, Temporal's database and all logs never hear of it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attachmentKey } from '../../activities/attachments';
import { openObjectStore } from '../../ops/runtime/object-store';
import { type OwnServer, startOwnTemporal } from '../support/own-server';
import { TestService } from '../support/service';
import type { Behaviour } from '../support/smtp-dialogue';
import { tracesIn } from '../support/traces';
import { until } from '../support/until';

const CANARIES = {
  address: 'canary-bird-7391',
  replyTo: 'canary-reply-5527',
  subject: 'KanariensubjektX1',
  body: 'KanarienbodyY2',
  html: 'KanarienhtmlZ3',
  file: 'kanarienfile-W4',
  content: 'KanarienbytesV5',
  comment: 'KanariencommentU6',
  reply: 'KanarienreplyT7',
};
const WORDS = Object.values(CANARIES);

/** A server may quote the address and more in its answer. */
const text = `${CANARIES.address}@example.org ${CANARIES.reply}`;
const FATES: [name: string, behaviour: Behaviour, end: 'sent' | 'failed' | 'scheduled'][] = [
  ['delivered', {}, 'sent'],
  ['refused', { rcpt: { code: 550, text } }, 'failed'],
  ['refused-at-data', { data: { code: 554, text } }, 'failed'],
  ['refused-message', { final: { code: 552, text } }, 'failed'],
  ['later', { rcpt: { code: 450, text } }, 'scheduled'],
  ['lost-fin', { final: 'fin' }, 'failed'],
  ['lost-rst', { final: 'rst' }, 'failed'],
  ['lost-silence', { final: 'silence' }, 'failed'],
];

let service: TestService;
let temporal: OwnServer;

beforeAll(async () => {
  temporal = await startOwnTemporal();
  service = await TestService.create({ temporalAddress: temporal.address, environment: { LOG_LEVEL: 'trace' } });
});
afterAll(async () => {
  await service?.close();
  await temporal?.stop();
});

async function submit(name: string, needsPeople: boolean) {
  const bytes = Buffer.from(CANARIES.content);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await openObjectStore(service.environment.FILES_URL as string).put(attachmentKey(sha256), bytes);
  const file = { name: `${CANARIES.file}.txt`, type: 'text/plain', size: bytes.length, sha256 };
  const { id } = await service.test.commands.recordAttachment(service.author, file);
  return service[needsPeople ? 'submitForReview' : 'submitDue'](recipient(name), {
    replyTo: `${CANARIES.replyTo}@example.org`,
    subject: CANARIES.subject,
    body: CANARIES.body,
    html: `<p>${CANARIES.html}</p>`,
    attachments: [id],
  });
}
const recipient = (name: string) => `${CANARIES.address}-${name}@example.org`;

it('finds a planted word in each form, so that finding none means something', () => {
  const word = 'canary-bird-7391';
  const around = `xy ${word} z`;
  for (const hidden of [
    Buffer.from(around),
    Buffer.from(around, 'utf16le'),
    Buffer.from(Buffer.from(around).toString('base64')),
    Buffer.from(Buffer.from(`a${around}`).toString('base64')),
    Buffer.from(Buffer.from(`ab${around}`).toString('base64')),
    Buffer.from(Buffer.from(around).toString('hex')),
  ]) {
    expect(tracesIn(hidden, [word])).toEqual([word]);
  }
  expect(tracesIn(Buffer.from('nothing of the kind'), [word])).toEqual([]);
});

it('leaves no trace of anybody in Temporal or in a log, however the mail fares', async () => {
  service.startWorker();
  for (const [name, behaviour, end] of FATES) {
    service.mail.behave(behaviour, recipient(name));
    const draft = await submit(name, false);
    await until(`${name} is ${end}`, async () => {
      const row = await service.database.db.draft.findUniqueOrThrow({ where: { id: draft.id } });
      return row.status === end && (end !== 'scheduled' || row.attempts > 0);
    });
  }
  const reviewed = await submit('reviewed', true);
  await service.test.commands.requestChanges(service.approver, { id: reviewed.id, comment: CANARIES.comment });
  const revised = await service.test.commands.reviseDraft(service.author, {
    id: reviewed.id,
    revision: 1,
    body: `${CANARIES.body} again`,
  });
  await service.test.commands.approveDraft(service.approver, {
    id: revised.id,
    revision: 2,
    comment: CANARIES.comment,
  });
  await service.draftIn('sent', reviewed.id);
  const rejected = await submit('rejected', true);
  await service.test.commands.rejectDraft(service.approver, { id: rejected.id, reason: CANARIES.comment });
  // The whole service fails too, with the address in its words, on the connections that it has and on new ones.
  service.mail.behave({ greeting: { code: 421, text }, mail: { code: 421, text } });
  const waiting = await submit('waiting', false);
  await until('the service counts as failing', async () => {
    const lane = await service.database.db.lane.findUniqueOrThrow({ where: { name: 'email' } });
    return lane.failures > 1;
  });
  service.mail.behave({});
  await service.draftIn('sent', waiting.id);
  expect(service.mail.accepted.length).toBeGreaterThanOrEqual(6);

  const [worker] = service.processes;
  const log = worker?.log ?? '';
  await worker?.stop();
  // Stopped, so that everything lies in its files.
  await temporal.stop();
  const files = readdirSync(temporal.folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const contents = files.map((file) => [file.name, readFileSync(join(file.parentPath, file.name))] as const);
  expect(Math.max(...contents.map(([, { length }]) => length))).toBeGreaterThan(100_000);
  // The search does find what is there.
  expect(contents.filter(([, content]) => tracesIn(content, ['lane-email']).length > 0)).not.toEqual([]);
  for (const [name, content] of contents) expect([name, tracesIn(content, WORDS)]).toEqual([name, []]);
  expect(log.length).toBeGreaterThan(100);
  expect(tracesIn(Buffer.from(log), WORDS)).toEqual([]);
});
