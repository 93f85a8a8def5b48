import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Server } from 'node:http';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { SMTPServer } from 'smtp-server';
import { Messages } from '../../ops/local/mailbox/messages';
import { createMailboxPage } from '../../ops/local/mailbox/page';
import { createSmtpServer } from '../../ops/local/mailbox/smtp';
import { ownFolder } from './folder';

let folder: string;
let smtp: SMTPServer;
let page: Server;
let url: string;

beforeAll(async () => {
  folder = join(ownFolder(), 'mail');
  const messages = new Messages(folder);
  smtp = createSmtpServer(messages);
  page = createMailboxPage(messages);
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
  const { port } = smtp.server.address() as AddressInfo;
  const transport = createTransport({ host: '127.0.0.1', port });
  await transport.sendMail({
    from: 'Countersign <outbox@countersign.example>',
    to: 'ada@customer.example',
    subject: 'Grüße <b>',
    text: 'Hello <i>Ada</i>',
    html: '<script>document.title = "taken"</script><p>Hello</p>',
    attachments: [{ filename: 'bill "1".html', content: '<p>bill</p>' }],
  });
  transport.close();
});

afterAll(async () => {
  page.closeAllConnections();
  await new Promise((resolve) => page.close(resolve));
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
});

const stored = () => readdirSync(folder);

test('a mail that was taken lies whole in one file that only its owner reads', () => {
  expect(stored()).toEqual([expect.stringMatching(/^[\w-]+\.eml$/)]);
  const file = join(folder, stored()[0] as string);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toMatch(/^From: Countersign <outbox@countersign.example>\r\n/);
});

test('the list shows subject, sender and recipient, and none of them is HTML', async () => {
  const list = await (await fetch(url)).text();
  expect(list).toContain('Grüße &#60;b&#62;');
  expect(list).toContain('ada@customer.example');
  expect(list).not.toContain('<b>');
});

test('a mail shows its text, its attachments, and its HTML in a frame that may do nothing', async () => {
  const message = `${url}/messages/${stored()[0]}`;
  const shown = await (await fetch(message)).text();
  expect(shown).toContain('Hello &#60;i&#62;Ada');
  expect(shown).toContain('<iframe sandbox src=');
  expect(shown).toContain('bill &#34;1&#34;.html');
  const html = await fetch(`${message}/html`);
  expect(html.headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/);
  const attachment = await fetch(`${message}/attachments/0`);
  expect(attachment.headers.get('content-type')).toBe('application/octet-stream');
  expect(attachment.headers.get('content-disposition')).toMatch(/^attachment/);
  expect(await attachment.text()).toBe('<p>bill</p>');
  const raw = await (await fetch(`${message}/raw`)).text();
  expect(raw).toBe(readFileSync(join(folder, stored()[0] as string), 'utf8'));
});

test.each(['/messages/..%2f..%2fsettings.json/raw', '/messages/missing.eml', '/other'])(
  'nothing but a mail can be asked for: %s',
  async (path) => {
    expect((await fetch(url + path)).status).toBe(404);
  },
);

test('a page of another name can not read the mailbox', async () => {
  const status = await new Promise((resolve, reject) => {
    get(url, { headers: { Host: 'elsewhere.example' } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
  expect(status).toBe(403);
});
