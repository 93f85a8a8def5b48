// The page at which the local mailbox is read.
import { createServer, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { listPage, messagePage } from './html';
import type { Messages } from './messages';

const PER_PAGE = 50;
const OWN_PAGE =
  "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** A mail's HTML neither runs nor fetches anything. */
const MAIL_HTML = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'";
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

export function createMailboxPage(messages: Messages): Server {
  return createServer((request, response) => {
    // Another site's page must not read this one through a name of its own.
    if (!LOOPBACK.test(request.headers.host ?? '')) return void say(response, 403, 'Ask for localhost');
    if (request.method !== 'GET' && request.method !== 'HEAD') return void say(response, 405, 'Only GET');
    answer(messages, new URL(request.url ?? '/', 'http://localhost'), response).catch(() => {
      if (response.headersSent) response.destroy();
      else say(response, 500, 'The mail could not be read');
    });
  });
}

async function answer(messages: Messages, url: URL, response: ServerResponse): Promise<void> {
  const [folder, name = '', part, index] = url.pathname.split('/').slice(1);
  if (url.pathname === '/health') return say(response, 200, 'ready');
  if (url.pathname === '/') {
    const from = Math.max(0, Number.parseInt(url.searchParams.get('from') ?? '0', 10) || 0);
    const { items, total } = await messages.list(from, PER_PAGE);
    return html(response, listPage(items, from, PER_PAGE, total), OWN_PAGE);
  }
  if (folder !== 'messages' || (await messages.size(name)) === null) return say(response, 404, 'There is no such mail');
  if (part === undefined) return html(response, messagePage(name, await messages.read(name)), OWN_PAGE);
  if (part === 'html') return html(response, (await messages.read(name)).html || '', MAIL_HTML);
  if (part === 'raw') {
    download(response, 'message/rfc822', name);
    return pipeline(messages.raw(name), response);
  }
  const attachment = part === 'attachments' ? (await messages.read(name)).attachments[Number(index)] : undefined;
  if (!attachment) return say(response, 404, 'There is no such part');
  download(response, 'application/octet-stream', attachment.filename ?? 'unnamed');
  response.end(attachment.content);
}

function html(response: ServerResponse, body: string, policy: string): void {
  head(response, 200, 'text/html; charset=utf-8', { 'Content-Security-Policy': policy });
  response.end(body);
}

function download(response: ServerResponse, type: string, name: string): void {
  head(response, 200, type, { 'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}` });
}

function say(response: ServerResponse, status: number, text: string): void {
  head(response, status, 'text/plain; charset=utf-8', {});
  response.end(`${text}\n`);
}

function head(response: ServerResponse, status: number, type: string, more: Record<string, string>): void {
  response.writeHead(status, {
    'Content-Type': type,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
    ...more,
  });
}
