import { Conversation } from '../../activities/mail-delivery/conversation';
import { TestMailServer } from '../support/mail-server';
import type { Behaviour } from '../support/smtp-dialogue';
import { until } from '../support/until';

let mail: TestMailServer;
beforeEach(async () => {
  mail = await TestMailServer.start();
});
afterEach(() => mail.away());

const TIMEOUTS = '?socketTimeout=500&greetingTimeout=500&connectionTimeout=500';
const open = () => Conversation.open(mail.url + TIMEOUTS);

async function* repeat(text: string, times: number) {
  for (let i = 0; i < times; i++) yield Buffer.from(text);
}
const send = (conversation: Conversation, to: string, message = repeat('Subject: x\r\n\r\nBody\r\n', 1)) =>
  conversation.send({ from: 'outbox@example.org', to }, message);

async function outcome(behaviour: Behaviour) {
  mail.behave(behaviour);
  const conversation = await open();
  const reply = await send(conversation, 'reader@example.org');
  return { reply, conversation };
}

describe('a conversation with a mail server', () => {
  it('sends many mails over one connection', async () => {
    const conversation = await open();
    for (let i = 0; i < 5; i++)
      expect(await send(conversation, `reader-${i}@example.org`)).toEqual({ kind: 'accepted' });
    conversation.close();
    expect(mail.connections).toBe(1);
    expect(mail.accepted.map(({ recipient }) => recipient)).toEqual(
      [0, 1, 2, 3, 4].map((i) => `reader-${i}@example.org`),
    );
  });

  it.each<[string, Behaviour, string, boolean]>([
    ['the recipient for good', { rcpt: { code: 550 } }, 'smtp_550', true],
    ['the recipient for now', { rcpt: { code: 450 } }, 'smtp_450', false],
    ['the DATA command for good', { data: { code: 554 } }, 'smtp_554', true],
    ['the DATA command for now', { data: { code: 451 } }, 'smtp_451', false],
    ['the message for good', { final: { code: 552 } }, 'smtp_552', true],
    ['the message for now', { final: { code: 452 } }, 'smtp_452', false],
    ['the message, closing the service', { final: { code: 421 } }, 'smtp_421', false],
  ])('knows that %s was refused', async (_, behaviour, code, permanent) => {
    const { reply } = await outcome(behaviour);
    expect(reply).toEqual({ kind: 'refused', code, permanent });
  });

  it('waits longer for the answer to a message than for any other reply', async () => {
    const conversation = await Conversation.open(mail.url, { limits: { commandMs: 400, messageMs: 20_000 } });
    mail.behave({ delay: 1_500 });
    expect(await send(conversation, 'slow@example.org')).toEqual({ kind: 'accepted' });
    mail.behave({ delay: 1_500, final: { code: 552 } });
    expect(await send(conversation, 'slow@example.org')).toMatchObject({ kind: 'refused', code: 'smtp_552' });
    mail.behave({ rcpt: 'silence' });
    const begun = Date.now();
    expect(await send(conversation, 'silent@example.org')).toMatchObject({ kind: 'trouble', code: 'ETIMEDOUT' });
    expect(Date.now() - begun).toBeLessThan(10_000);
  });

  it('does not wait so long for a server that stops reading in the middle of a message', async () => {
    const conversation = await Conversation.open(mail.url, { limits: { commandMs: 400, messageMs: 60_000 } });
    mail.behave({ midway: 'full' });
    const begun = Date.now();
    const tooMuch = repeat(`${'x'.repeat(70)}\r\n`.repeat(500), 800);
    expect(await send(conversation, 'reader@example.org', tooMuch)).toEqual({ kind: 'unknown' });
    expect(Date.now() - begun).toBeLessThan(30_000);
  });

  it('goes on over the same connection after a refused recipient', async () => {
    mail.behave({ rcpt: { code: 550 } }, 'nobody@example.org');
    const conversation = await open();
    await send(conversation, 'nobody@example.org');
    expect(conversation.usable).toBe(true);
    expect(await send(conversation, 'reader@example.org')).toEqual({ kind: 'accepted' });
    expect(mail.connections).toBe(1);
  });

  it.each<[string, Behaviour]>([
    ['closed after the message', { final: 'fin' }],
    ['answered with garbage after the message', { final: 'garbage' }],
    ['answered with a code that is none after the message', { final: { code: 700 } }],
    ['reset after the message', { final: 'rst' }],
    ['silent after the message', { final: 'silence' }],
    ['closed within the message', { midway: 'fin' }],
    ['reset within the message', { midway: 'rst' }],
    ['silent within the message', { midway: 'silence' }],
  ])('does not know what became of a mail when the connection is %s', async (_, behaviour) => {
    const { reply, conversation } = await outcome(behaviour);
    expect(reply).toEqual({ kind: 'unknown' });
    expect(conversation.usable).toBe(false);
  });

  it.each<[string, Behaviour, RegExp, boolean]>([
    ['refuses the sender', { mail: { code: 530 } }, /^smtp_530$/, false],
    ['closes at the sender', { mail: 'fin' }, /./, false],
    ['resets at the sender', { mail: 'rst' }, /./, false],
    ['is silent at the sender', { mail: 'silence' }, /./, false],
    ['closes at the recipient', { rcpt: 'fin' }, /./, true],
    ['resets at the recipient', { rcpt: 'rst' }, /./, true],
    ['is silent at the recipient', { rcpt: 'silence' }, /./, true],
    ['closes at DATA', { data: 'fin' }, /./, true],
    ['is silent at DATA', { data: 'silence' }, /./, true],
    ['goes away at the recipient', { rcpt: { code: 421 } }, /^smtp_421$/, true],
    ['answers the sender with garbage', { mail: 'garbage' }, /^EENVELOPE$/, false],
    ['answers the recipient with garbage', { rcpt: 'garbage' }, /^EENVELOPE$/, true],
    ['answers the recipient with a code that is none', { rcpt: { code: 999 } }, /^smtp_999$/, true],
    ['answers DATA with garbage', { data: 'garbage' }, /^EENVELOPE$/, true],
  ])('blames the service, and nothing went out, when it %s', async (_, behaviour, code, mayBeTheMail) => {
    const { reply, conversation } = await outcome(behaviour);
    expect(reply).toEqual({ kind: 'trouble', code: expect.stringMatching(code), mayBeTheMail });
    expect(conversation.usable).toBe(false);
    expect(mail.accepted).toEqual([]);
  });

  it.each<[string, Behaviour, string]>([
    ['refuses in its greeting', { greeting: { code: 421 } }, 'smtp_421'],
    ['says nothing', { greeting: 'silence' }, 'ETIMEDOUT'],
    ['greets with garbage', { greeting: 'garbage' }, 'EPROTOCOL'],
  ])('does not open with a server that %s', async (_, behaviour, code) => {
    mail.behave(behaviour);
    await expect(open()).rejects.toMatchObject({ code });
  });

  it('gives up a server that says nothing as soon as nobody waits for it', async () => {
    mail.behave({ greeting: 'silence' });
    const ending = new AbortController();
    const opening = Conversation.open(mail.url, { ending: ending.signal });
    await until('it is connected', () => mail.open.size === 1);
    const reason = new Error('paused');
    ending.abort(reason);
    await expect(opening).rejects.toBe(reason);
    await until('it is closed', () => mail.open.size === 0);
    await expect(Conversation.open(mail.url, { ending: ending.signal })).rejects.toBe(reason);
  });

  it('does not open with a server that is away', async () => {
    await mail.away();
    await expect(open()).rejects.toMatchObject({ code: expect.stringMatching(/^E/) });
  });

  it('notices while idle that the server has closed the connection', async () => {
    const conversation = await open();
    await mail.away();
    await mail.listen();
    const reply = await send(conversation, 'reader@example.org');
    expect(reply.kind).toBe('trouble');
    expect(mail.accepted).toEqual([]);
  });
});
