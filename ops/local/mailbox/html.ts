// HTML of the mailbox. Whatever comes from a mail is escaped, or shown in a frame that may do nothing.
import type { ParsedMail } from 'mailparser';
import { addressees, type Listed } from './messages';

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:1rem;border:1px solid #8884}
iframe{width:100%;height:30rem;border:1px solid #8884;background:#fff}dt{font-weight:600;float:left;width:6rem}dd{margin-left:6rem}`;

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export function listPage(items: Listed[], from: number, count: number, total: number): string {
  const rows = items.map(
    ({ name, at, subject, from: sender, to }) =>
      `<tr><td><time>${at.toISOString()}</time></td><td><a href="/messages/${name}">${escapeHtml(subject)}</a></td><td>${escapeHtml(sender)}</td><td>${escapeHtml(to)}</td></tr>`,
  );
  const older = from + count < total ? `<a href="/?from=${from + count}">Older</a>` : '';
  const newer = from > 0 ? `<a href="/?from=${Math.max(0, from - count)}">Newer</a>` : '';
  const table = `<table><thead><tr><th>Time</th><th>Subject</th><th>From</th><th>To</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
  return page('Mailbox', `<h1>Mailbox</h1><p>${total} message(s)</p>${total ? table : ''}<p>${newer} ${older}</p>`);
}

export function messagePage(name: string, mail: ParsedMail): string {
  const subject = mail.subject ?? '(no subject)';
  const head: [string, string][] = [
    ['From', mail.from?.text ?? ''],
    ['Reply-To', mail.replyTo?.text ?? ''],
    ['To', addressees(mail)],
    ['Date', mail.date?.toISOString() ?? ''],
    ['Message-ID', mail.messageId ?? ''],
  ];
  const fields = head
    .filter(([, value]) => value)
    .map(([field, value]) => `<dt>${field}</dt><dd>${escapeHtml(value)}</dd>`);
  const attached = mail.attachments.map(
    ({ filename, contentType, size }, index) =>
      `<li><a href="/messages/${name}/attachments/${index}">${escapeHtml(filename ?? 'unnamed')}</a> ${escapeHtml(contentType)}, ${size} bytes</li>`,
  );
  const html = mail.html
    ? `<h2>HTML</h2><iframe sandbox src="/messages/${name}/html" title="The mail's HTML part"></iframe>`
    : '';
  return page(
    subject,
    `<p><a href="/">Mailbox</a></p><h1>${escapeHtml(subject)}</h1><dl>${fields.join('')}</dl>
<h2>Text</h2><pre>${escapeHtml(mail.text ?? '')}</pre>${html}
${attached.length ? `<h2>Attachments</h2><ul>${attached.join('')}</ul>` : ''}<p><a href="/messages/${name}/raw">Download as it arrived</a></p>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body>${body}</body></html>`;
}
