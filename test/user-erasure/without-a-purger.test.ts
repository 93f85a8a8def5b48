// Each purger is taken away in turn: the scan then finds what it left, in its store and nowhere else, and nothing is certified.
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { uuidv7 } from 'uuidv7';
import { attachmentKey, storeAttachment } from '../../activities/attachments';
import type { CommandContext } from '../../activities/commands/context';
import type { SubmitInput } from '../../activities/commands/index';
import { receiveFile } from '../../activities/received-file';
import type { PreviewEntry } from '../../activities/user-erasure/erasure-record';
import { previewStores } from '../../activities/user-erasure/stores/registry';
import { REDIS_PREFIX } from '../../ops/runtime/redis';
import { draftApprovalId } from '../../workflows/contracts/draft-approval';
import { ERASURE_STEPS } from '../../workflows/contracts/user-erasure';
import { aDraft, setStatus } from '../support/commands';
import { type S3Server, startS3Server } from '../support/s3-server';
import { isLongRun } from '../support/servers';
import { until } from '../support/until';
import { type Purgeless, type Servers, startErasures, startServers } from './purgeless';
import { person } from './stores/person';

const SOURCES = ['files', 'hubspot', 'objects', 'postgres', 'redis', 'temporal'];
/** The stores, and where what a missing purger left there is found. */
const LEFT_OUT = [
  ['postgres', 'postgres'],
  ['attachments', 'objects'],
  ['redis', 'redis'],
  ['hubspot', 'hubspot'],
  ['mailbox', 'files'],
  ['temporal', 'temporal'],
] as const;
/** Another one each time, where one must do. */
const chosen = LEFT_OUT[randomInt(LEFT_OUT.length)] as (typeof LEFT_OUT)[number];
const BOB = 'bob@elsewhere.example';
/** Its end is the address of whoever is erased first. */
const LADA = 'lada-1@customer.example';
const GIVEN_UP = [
  'requested',
  'previewed',
  'begun',
  ...Array(4).fill(['purged', 'found', 'repeated']).flat(),
  'purged',
  'found',
  'failed',
];

const before = { ...process.env };
let servers: Servers;
let s3: S3Server;
let bucket: string;
let erasures: Purgeless;
let author: CommandContext;
let persons = 0;
let email: string;

beforeAll(async () => {
  [servers, s3] = await Promise.all([startServers(), startS3Server()]);
  Object.assign(process.env, s3.environment);
  // Its rewriting has a test of its own, and takes longer than all else here.
  await servers.redis.config('SET', 'appendonly', 'no');
  bucket = await s3.createBucket({ versioned: true });
}, 600_000);
beforeEach(() => {
  email = `ada-${++persons}@customer.example`;
});
afterAll(async () => {
  await servers?.close();
  await s3?.stop();
  process.env = before;
});

async function begin(filesUrl?: string): Promise<void> {
  erasures = await startErasures(servers, filesUrl);
  author = await erasures.person('an agent', 'author');
  await erasures.commands.setPolicy(erasures.admin, {
    mode: 'active',
    rules: [{ name: 'sure', when: { confidence: { gte: 0.5 } }, then: { outcome: 'auto_approve' } }],
    otherwise: { outcome: 'require' },
  });
}

const submit = (input: Partial<SubmitInput>) =>
  erasures.commands.submitDraft(author, aDraft({ confidence: 1, ...input }));
async function sent(input: Partial<SubmitInput>): Promise<void> {
  const { id } = await submit(input);
  await setStatus(erasures.db, id, 'sent', 'delivered');
}
async function upload(content: string, name = 'notes.txt') {
  const file = await receiveFile(Readable.from([Buffer.from(content)]), name);
  const { type, size, sha256 } = file;
  const stored = await storeAttachment(erasures, file, () =>
    erasures.commands.recordAttachment(author, { name, type, size, sha256 }),
  );
  await file.discard();
  return stored;
}

/** What puts the person into one store. */
const PLANTS: Record<string, () => Promise<unknown>> = {
  postgres: () => sent({ to: email }),
  attachments: async () => sent({ to: BOB, attachments: [(await upload(`name,mail\nAda,${email}\n`)).id] }),
  redis: () => servers.redis.hset(`${REDIS_PREFIX}queue:${persons}`, 'to', email),
  async hubspot() {
    servers.hubspot.contacts.push({ id: String(persons), properties: { email, firstname: 'Ada' } });
  },
  async mailbox() {
    writeFileSync(join(erasures.mailbox, `${persons}.eml`), `From: x@example.org\r\nTo: ${email}\r\n\r\nHello\r\n`);
  },
  /** A process of the person's draft, as no build of ours starts it: with their address in its memo. */
  async temporal() {
    const { id } = await submit({ to: email, confidence: 0.1 });
    const { workflow } = servers.temporal.client;
    await workflow.start('draftApproval', {
      workflowId: draftApprovalId(id),
      taskQueue: 'nobody',
      args: [{ draftId: id }],
      memo: { to: email },
    });
    await until('it is listed', async () => (await workflow.count(`WorkflowId = '${draftApprovalId(id)}'`)).count > 0);
  },
};
/** Tells which rows and objects go, so that theirs is nothing without it. */
const DEPENDS_ON_POSTGRES = ['temporal'];

/** Found in the first round, in this source alone, and certified in the second, when the purger is back. @returns where */
async function expectNeeded(store: string, ...expected: string[]): Promise<string[]> {
  const { status, found, events, places } = await erasures.erase(email, store, 1);
  expect([status, found, events]).toEqual([
    'certified',
    expected,
    [...GIVEN_UP.slice(0, 4), ...expected.map(() => 'found'), 'repeated', 'purged', 'certified'],
  ]);
  return places;
}

describe('with files in a folder', () => {
  let ladaHas: PreviewEntry[];
  beforeAll(async () => {
    await begin();
    email = LADA;
    for (const plant of Object.values(PLANTS)) await plant();
    ladaHas = await previewStores(erasures.stores, person(LADA));
  });
  afterAll(() => erasures?.close());

  it('knows every store that an erasure goes through', () => {
    expect(erasures.stores.map(({ name }) => name).sort()).toEqual(Object.keys(PLANTS).sort());
    expect(ERASURE_STEPS).toEqual(expect.arrayContaining(Object.keys(PLANTS)));
  });

  it.each(isLongRun ? LEFT_OUT : [chosen])(
    'a person who is in every store is found where %s is left out, and only an erasure with it is certified',
    async (store, source) => {
      for (const [name, plant] of Object.entries(PLANTS)) {
        if (store !== 'postgres' || !DEPENDS_ON_POSTGRES.includes(name)) await plant();
      }
      const without = await erasures.erase(email, store);
      expect(without).toMatchObject({ status: 'failed', certificate: null, found: [source], events: GIVEN_UP });
      expect(without.scanned).toEqual(SOURCES);
      const withIt = await erasures.erase(email);
      expect(withIt).toMatchObject({ status: 'certified', certificate: expect.anything(), found: [] });
    },
  );

  it('a purger that is back in the third round ends it well, and the certificate tells of every store and source', async () => {
    for (const plant of Object.values(PLANTS)) await plant();
    const { certificate, found, events } = await erasures.erase(email, 'temporal', 2);
    expect([found, events]).toEqual([['temporal'], [...GIVEN_UP.slice(0, 3 + 2 * 3), 'purged', 'certified']]);
    expect(certificate).toMatchObject({
      certificate: {
        stores: [
          { store: 'postgres', erased: 2, anonymised: 0 },
          { store: 'attachments', erased: 1, anonymised: 0 },
          { store: 'redis', erased: 1, anonymised: 0 },
          { store: 'hubspot', erased: 1, anonymised: 0 },
          { store: 'mailbox', erased: 1, anonymised: 0 },
          { store: 'temporal', erased: 2, anonymised: 0 },
        ],
        scan: {
          sources: expect.arrayContaining(SOURCES.map((source) => expect.objectContaining({ source, findings: 0 }))),
        },
      },
    });
  });

  const parts: [part: string, table: string, plant: () => Promise<unknown>][] = [
    ['a draft of their own', 'drafts', () => sent({ to: email })],
    ['a mention in a draft that is over', 'revisions', () => sent({ to: BOB, body: `Ask ${email}` })],
    ['a mention in an open draft', 'revisions', () => submit({ to: BOB, html: `<p>${email}</p>`, confidence: 0.1 })],
    ['a name that is theirs', 'principals', () => erasures.person(`Ada <${email}>`, 'approver')],
    ['an address of a principal', 'principals', () => principalWith(email)],
  ];
  it.each(parts)('%s alone is found in PostgreSQL without its purger', async (_title, table, plant) => {
    await plant();
    expect(await expectNeeded('postgres', 'postgres')).toContain(table);
  });

  it('a file of their own is found by what it holds, though nobody is named in it', async () => {
    await sent({ to: email, attachments: [(await upload(`for person ${persons} alone`)).id] });
    // PostgreSQL has noted which object is to go.
    const [note, place] = await expectNeeded('attachments', 'postgres', 'objects');
    expect(note).toBe('removed_files');
    expect(place).toMatch(/in its name$/);
  });

  it('nobody else has lost anything', async () => {
    expect(ladaHas.map(({ erase }) => erase)).toEqual([2, 1, 1, 1, 1, 1]);
    expect(await previewStores(erasures.stores, person(LADA))).toEqual(ladaHas);
  });

  function principalWith(address: string): Promise<unknown> {
    return erasures.db.principal.create({ data: { id: uuidv7(), name: `approver ${persons}`, email: address } });
  }
});

describe('with files in S3', () => {
  beforeAll(() => begin(`s3://${bucket}/files`));
  afterAll(() => erasures?.close());

  it('a version behind a delete marker is found', async () => {
    const { id, sha256 } = await upload(`Ada <${email}>`);
    await sent({ to: BOB, attachments: [id] });
    const client = s3.client();
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: `files/${attachmentKey(sha256)}` }));
    client.destroy();
    await expectNeeded('attachments', 'objects');
  });

  it('a file that mentions the person is found', async () => {
    await PLANTS.attachments?.();
    await expectNeeded('attachments', 'objects');
  });
});
