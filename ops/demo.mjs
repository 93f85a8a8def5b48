// `npm run demo`: plays the story against the running service. An agent submits, an approver approves, the mail arrives.
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from './steps.mjs';

const HELP = `npm run demo: an agent submits a draft, an approver approves it, the mail arrives.

  npm run demo                     against what \`npm start\` started in this folder
  COUNTERSIGN_URL=… COUNTERSIGN_API_KEY=… COUNTERSIGN_APPROVER_API_KEY=… npm run demo
                                   against another Countersign, with an author key and an approver key
  COUNTERSIGN_DEMO_TO=…            who gets the mail; by default somebody new each time`;
const HOME = join(root, '.countersign');
const SENT_WITHIN_MS = 60_000;
const FINAL = ['sent', 'failed', 'blocked', 'rejected', 'expired', 'withdrawn', 'erased'];

const MAKE_KEYS =
  'The demo needs an author key and an approver key: make them at POST /api/keys, then set COUNTERSIGN_API_KEY and COUNTERSIGN_APPROVER_API_KEY.';

class DemoFailed extends Error {}

async function main() {
  const service = findService();
  const began = Date.now();
  const step = (text) => console.log(`${`${Date.now() - began} ms`.padStart(9)}  ${text}`);
  // A new person each time: whoever was erased, or has unsubscribed, gets no mail any more.
  const to = process.env.COUNTERSIGN_DEMO_TO || `ada-${began.toString(36)}@customer.example`;

  let draft = await call(service, service.author, 'POST', '/api/drafts', {
    to,
    subject: 'Your order is on its way',
    body: 'Hello Ada,\n\nyour order has left our house and reaches you tomorrow.\n\nKind regards',
    confidence: 0.7,
  });
  step(`The agent submitted draft ${draft.id}: ${draft.status}`);
  if (draft.status === 'pending_review') {
    draft = await call(service, service.approver, 'POST', `/api/drafts/${draft.id}/approve`, {
      revision: draft.revision,
      comment: 'Checked in the demo',
    });
    step(`The approver approved revision ${draft.revision}: ${draft.status}`);
  } else {
    step('Policy needed no approver');
  }
  draft = await untilFinal(service, draft);
  if (draft.status !== 'sent') {
    const why = draft.failure ? `: ${draft.failure.message} (${draft.failure.code})` : '';
    throw new DemoFailed(`The mail was not sent. The draft is ${draft.status}${why}.`);
  }
  step(`The mail was handed over: ${draft.status}, Message-ID ${draft.messageId}`);
  if (service.mailbox) {
    const file = await untilInMailbox(draft.messageId);
    step(`The mail arrived: .countersign/mail/${file}`);
  }
  await tellTimeline(service, draft);
}

async function tellTimeline(service, draft) {
  const { items } = await call(service, service.author, 'GET', `/api/drafts/${draft.id}/events`);
  console.log('\nThe timeline of the draft');
  for (const { at, type, by } of items) console.log(`  ${at}  ${type.padEnd(22)} ${by ?? ''}`);
  console.log('\nLook at it');
  const namespace = process.env.TEMPORAL_NAMESPACE || 'default';
  const { temporalUi, mailbox } = service;
  if (temporalUi && draft.workflowId) {
    console.log(
      `  its process  ${temporalUi}/namespaces/${namespace}/workflows/${encodeURIComponent(draft.workflowId)}`,
    );
  }
  if (mailbox) console.log(`  the mailbox  ${mailbox}`);
}

/** What the environment names, else what runs in this folder. */
function findService() {
  const { COUNTERSIGN_URL, COUNTERSIGN_API_KEY, COUNTERSIGN_APPROVER_API_KEY } = process.env;
  const local = COUNTERSIGN_URL ? {} : (readJson('runtime.json') ?? {});
  const keys = COUNTERSIGN_URL ? {} : (readJson('keys.json') ?? {});
  const url = COUNTERSIGN_URL || local.api;
  if (!url) throw new DemoFailed('Countersign does not run in this folder. Start it first: npm start');
  const author = COUNTERSIGN_API_KEY || keys.author;
  const approver = COUNTERSIGN_APPROVER_API_KEY || keys.approver;
  if (!author || !approver) {
    throw new DemoFailed(MAKE_KEYS);
  }
  return { url: url.replace(/\/$/, ''), author, approver, mailbox: local.mailbox, temporalUi: local.temporalUi };
}

async function untilFinal(service, draft) {
  const deadline = Date.now() + SENT_WITHIN_MS;
  let now = draft;
  while (!FINAL.includes(now.status)) {
    if (Date.now() > deadline) {
      throw new DemoFailed(
        `The mail did not leave within ${SENT_WITHIN_MS / 1000} s; the draft is ${now.status}. See GET /api/circuit-breakers/status and .countersign/logs/.`,
      );
    }
    await delay(50);
    now = await call(service, service.author, 'GET', `/api/drafts/${draft.id}`);
  }
  return now;
}

async function untilInMailbox(messageId) {
  const folder = join(HOME, 'mail');
  const looked = new Set();
  const deadline = Date.now() + 5_000;
  do {
    for (const name of readdirSync(folder).sort().reverse()) {
      if (!name.endsWith('.eml') || looked.has(name)) continue;
      looked.add(name);
      if ((await messageIdOf(join(folder, name))) === messageId) return name;
    }
    await delay(50);
  } while (Date.now() < deadline);
  throw new DemoFailed('The draft is sent, but its mail is not in .countersign/mail/.');
}

async function messageIdOf(file) {
  const lines = createInterface({ input: createReadStream(file) });
  let isNext = false;
  for await (const line of lines) {
    if (line === '') return null;
    const [, id] = (isNext ? /^\s+(\S+)/ : /^message-id:\s*(\S*)/i).exec(line) ?? [];
    if (id) return id;
    isNext = id === '';
  }
  return null;
}

async function call({ url }, key, method, path, body) {
  let response;
  try {
    response = await fetch(`${url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}`, ...(body ? { 'Content-Type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(15_000),
    });
  } catch (error) {
    const why = error.cause?.code ?? error.message;
    throw new DemoFailed(`Countersign does not answer at ${url} (${why}). Start it first: npm start`);
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  if (response.status === 401) throw new DemoFailed(`${url} does not know this key. ${MAKE_KEYS}`);
  throw new DemoFailed(`${method} ${path} was answered ${response.status}: ${answer.detail ?? answer.title ?? ''}`);
}

function readJson(name) {
  try {
    return JSON.parse(readFileSync(join(HOME, name), 'utf8'));
  } catch {
    return null;
  }
}

const given = process.argv.slice(2);
if (given.includes('--help')) {
  console.log(HELP);
} else if (given.length > 0) {
  console.error(`Unknown: ${given.join(' ')}\n\n${HELP}`);
  process.exitCode = 2;
} else {
  main().catch((error) => {
    console.error(error instanceof DemoFailed ? error.message : error);
    process.exitCode = 1;
  });
}
