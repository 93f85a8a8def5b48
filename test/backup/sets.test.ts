// Sets as they come to be, what they hold, and what is found where one was damaged.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Registry } from 'prom-client';
import { uuidv7 } from 'uuidv7';
import { readIndex } from '../../activities/backup/file-index';
import { type Manifest, ManifestBroken, manifestKey, readManifest } from '../../activities/backup/manifest';
import { observeBackups } from '../../activities/backup/metrics';
import { prune } from '../../activities/backup/prune';
import { timeOfSet } from '../../activities/backup/retention';
import { readCatalogue } from '../../activities/backup/sets';
import { findFaults } from '../../activities/backup/verify';
import { openLedger } from '../../activities/erasure-ledger/ledger';
import { archiveRun, journalKey } from '../../activities/lane/journal';
import { readRepository } from '../../ops/pgbackrest/info';
import { findRecoveryTools } from '../../ops/recovery/tools';
import { readConfiguration } from '../../ops/runtime/configuration';
import { HOURLY_BACKUP_SCHEDULE } from '../../workflows/contracts/backup';
import { collect } from '../support/collect';
import { newFolder } from '../support/environment';
import { testServers } from '../support/servers';
import { BackupService, filesBelow, holds } from './backup-service';

const CANARY = 'canary.of.the.backup@example.test';
const NEVER = new AbortController().signal;
const attempt = { signal: NEVER, show: () => {} };
const REQUEST = { setId: '20260101T000000Z', startedAt: new Date().toISOString(), kind: 'full' } as const;
const LONG_AGO = new Date(0);

let service: BackupService;
let mailbox: string;

beforeAll(async () => {
  mailbox = newFolder('mailbox');
  service = await BackupService.start({ MAILBOX_PATH: mailbox });
  await service.startWorker();
});
afterAll(() => service?.close());

/** With a row, or the worker would sweep it. */
async function keepFile(sha: string, content: string): Promise<void> {
  const [id, uploaderId, sha256] = [uuidv7(), uuidv7(), sha.repeat(64)];
  const row = {
    id,
    uploaderId,
    name: 'a file',
    type: 'text/plain',
    size: content.length,
    sha256,
    createdAt: new Date(),
  };
  await service.database.db.attachment.create({ data: row });
  await service.tools.files.put(`attachments/${sha256}`, Buffer.from(content));
}
const keepMail = (name: string) => writeFileSync(join(mailbox, `${name}.eml`), `To: ${CANARY}\r\n\r\nhello`);
const newest = async () => (await service.sets()).at(-1) as Manifest;
const namesIn = async (set: Manifest) =>
  (await readIndex(service.tools, set.files ?? { key: '' })).files.map(({ name }) => name).sort();

test('a full set and an incremental one are made, verified and signed, and nothing in them can be read', async () => {
  await keepFile('a', `a file for ${CANARY}`);
  // An export is a copy that ends in a day: no set holds it.
  await service.tools.files.put(`exports/${uuidv7()}.${uuidv7()}`, Buffer.from('an export'));
  await keepFile('b', 'another');
  keepMail('20260101T000000000Z-1');
  await service.database.db.suppression.create({
    data: { id: '00000000-0000-7000-8000-000000000001', kind: 'manual', email: CANARY },
  });
  const redis = new Redis(testServers().redis);
  await redis.set('countersign:canary', CANARY);
  redis.disconnect();

  const full = await service.run('full');
  expect(full).toMatchObject({ status: 'done', problem: null, result: { kind: 'full', pruned: [] } });
  expect(full.steps.map(({ step }) => step)).toEqual(['postgres', 'redis', 'files', 'verify', 'manifest', 'prune']);
  expect(full.steps.every(({ finishedAt }) => finishedAt)).toBe(true);
  await keepFile('c', 'a third');
  rmSync(join(mailbox, '20260101T000000000Z-1.eml'));
  const incr = await service.runScheduled(HOURLY_BACKUP_SCHEDULE);
  expect(incr).toMatchObject({ status: 'done', result: { kind: 'incr' } });
  expect(incr.result?.stored).toBeLessThan((full.result?.stored ?? 0) / 2);

  const [first, second] = (await service.sets()) as [Manifest, Manifest];
  expect(first).toMatchObject({ kind: 'full', redis: { keys: expect.any(Number) }, files: { files: 3 } });
  expect(first.rows).toMatchObject({ drafts: 0 });
  const info = await readRepository(service.tools.pgbackrest);
  expect([first, second].map(({ postgres }) => postgres?.label)).toEqual(info.backup.map(({ label }) => label));
  const attachments = ['a', 'b'].map((sha) => `attachments/${sha.repeat(64)}`);
  expect(await namesIn(first)).toEqual(['20260101T000000000Z-1.eml', ...attachments]);
  expect(await namesIn(second)).toEqual([...attachments, `attachments/${'c'.repeat(64)}`]);
  // What the first set names is there, though it is erased.
  expect(await collect(service.tools.backups.list('files/'))).toHaveLength(4);
  expect(filesBelow(service.folder).filter((file) => holds(file, CANARY))).toEqual([]);
  const index = await readIndex(service.tools, second.files ?? { key: '' });
  expect(JSON.stringify(index.configuration)).not.toContain(service.host.server.url.split(':')[2]?.split('@')[0]);
  expect(index.configuration).not.toHaveProperty('SECRET_KEY');

  const registry = new Registry();
  observeBackups(registry, service.tools);
  const told = await registry.metrics();
  expect(told).toContain('countersign_backup_overdue{kind="full"} 0');
  expect(told).toContain('countersign_backup_overdue{kind="any"} 0');
  expect(told).toMatch(/last_success_timestamp_seconds\{kind="incr"\} 1\d{9}/);
});

test('Redis is away', async () => {
  const run = service.activities({ REDIS_URL: 'redis://127.0.0.1:1' });
  await expect(run(({ storeRedis }) => storeRedis(REQUEST))).rejects.toMatchObject({
    type: 'redis_away',
    message: expect.stringContaining('REDIS_URL'),
    nonRetryable: false,
  });
});

test('another passphrase is refused for good, before anything is written', async () => {
  const environment = { ...service.host.environment, BACKUP_PASSPHRASE: 'another passphrase than before' };
  const { tools } = await findRecoveryTools(readConfiguration(environment));
  const before = filesBelow(service.folder).length;
  const run = service.with(tools).activities();
  await expect(run(({ storePostgres }) => storePostgres(REQUEST))).rejects.toMatchObject({
    type: 'wrong_passphrase',
    nonRetryable: true,
  });
  expect(filesBelow(service.folder).length).toBe(before);
  service.tools.pgbackrest.configure();
});

describe('what is damaged is named', () => {
  const find = async (made?: Manifest) => {
    const sets = await service.sets();
    const last = made ?? (sets.at(-1) as Manifest);
    return findFaults(
      service.tools,
      sets.filter(({ id }) => id < last.id),
      last,
      LONG_AGO,
      attempt,
    );
  };
  const flip = (file: string) => {
    const sound = readFileSync(file);
    const damaged = Buffer.from(sound);
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
    writeFileSync(file, damaged);
    return () => writeFileSync(file, sound);
  };
  const below = (part: string) => filesBelow(service.folder).filter((file) => file.includes(part));

  test('nothing, where all is sound', async () => {
    expect(await find()).toMatchObject({ own: [], older: [] });
  });

  test('one flipped byte in a file that the full backup holds', async () => {
    const { postgres } = await newest();
    const full = postgres?.label.split('_')[0] ?? '';
    const [victim = ''] = below(`/${full}/pg_data/base/`);
    const heal = flip(victim);
    const { own, older } = await find();
    expect(own.join()).toContain(victim.slice(victim.indexOf(full)));
    expect(older.join()).toContain(`backup ${full} is not valid`);
    heal();
  });

  test('the keys of Redis, and the list of files, and a file', async () => {
    const { id } = await newest();
    for (const part of [`sets/${id}/redis-keys.enc`, `sets/${id}/files.json.enc`]) {
      const heal = flip(join(service.folder, part));
      expect((await find()).own).toEqual([`${part} is damaged`]);
      heal();
    }
    const [victim = ''] = below('/files/');
    const { key } = (await readIndex(service.tools, (await newest()).files ?? { key: '' })).files[0] ?? { key: victim };
    renameSync(join(service.folder, key), join(service.folder, 'aside'));
    expect((await find()).own).toEqual([`${key} is missing`]);
    renameSync(join(service.folder, 'aside'), join(service.folder, key));
  });

  test('a segment that is missing, in the set or before it', async () => {
    const [first, last] = (await service.sets()) as [Manifest, Manifest];
    for (const [segment, where] of [
      [last.postgres?.wal.start, 'own'],
      [first.postgres?.wal.stop, 'older'],
    ] as const) {
      const [victim = ''] = below(`/${segment}-`);
      renameSync(victim, join(service.folder, 'aside'));
      const found = await find();
      expect(found).toMatchObject({ own: [], older: [], [where]: [`segment ${segment} is missing`] });
      renameSync(join(service.folder, 'aside'), victim);
    }
  });

  test('an erasure ledger that has lost its end since', async () => {
    const made = { ...(await newest()), ledger: 1, ledgerHash: 'a'.repeat(64) };
    expect(await find(made)).toMatchObject({
      own: [],
      older: [`erasure-ledger/ lacks a sound entry at position 1, which the set ${made.id} knows`],
    });
    expect((await find({ ...made, ledgerHash: null })).older).toEqual([
      'erasure-ledger/ lacks a sound entry at position 1',
    ]);
  });

  test('a set tells which entry of the ledger its database had come to', async () => {
    const { db } = service.database;
    const run = service.activities();
    const describe = () => run(({ describeDatabase }) => describeDatabase());
    expect(await describe()).toMatchObject({ ledger: 0, ledgerHash: null });
    const subject = ['a'.repeat(64)];
    const at = new Date().toISOString();
    const { hash } = await openLedger(service.tools.settings).append({ requestId: uuidv7(), subject, certifiedAt: at });
    await db.instance.update({ where: { id: 1 }, data: { ledgerPosition: 1 } });
    expect(await describe()).toMatchObject({ ledger: 1, ledgerHash: hash });
    await db.instance.update({ where: { id: 1 }, data: { ledgerPosition: 0 } });
    for await (const key of service.tools.backups.list('erasure-ledger/')) await service.tools.backups.delete(key);
  });

  test('a manifest that was tampered with: its set does not exist', async () => {
    const { id } = await newest();
    const file = join(service.folder, manifestKey(id));
    const sound = readFileSync(file, 'utf8');
    writeFileSync(file, sound.replace('"kind": "incr"', '"kind": "full"'));
    await expect(readManifest(service.tools.backups, service.tools.signer, id)).rejects.toThrow(ManifestBroken);
    const { sets, shadows } = await readCatalogue(service.tools, NEVER);
    expect([sets.length, shadows.map((shadow) => shadow.id)]).toEqual([1, [id]]);
    writeFileSync(file, sound);
  });
});

test('a backup whose worker is killed in the middle is made by the next', async () => {
  const handle = await service.start('full');
  await service.untilCopying();
  await service.workers[0]?.kill();
  await service.startWorker();
  expect(await handle.result()).toMatchObject({ kind: 'full' });
  expect((await service.sets()).length).toBe(3);
});

test('what is older than the retention goes, with all that only it named; the last two full sets never do', async () => {
  const catalogue = () => readCatalogue(service.tools, NEVER);
  const [first, second, third] = (await service.sets()) as [Manifest, Manifest, Manifest];
  const now = new Date();
  const at = (before: Date) => catalogue().then((found) => prune(service.tools, found, { before, now }, attempt));
  // Two full sets are there: both stay at any age, and the incremental one as long as it is young enough.
  expect((await at(timeOfSet(second.id))).pruned).toEqual([]);
  expect((await at(new Date(timeOfSet(second.id).getTime() + 1_000))).pruned).toEqual([second.id]);
  expect((await readRepository(service.tools.pgbackrest)).backup.map(({ label }) => label)).toContain(
    second.postgres?.label,
  );

  const later = new Date(now.getTime() + 2 * 86_400_000);
  const fourth = await service.run('full');
  expect(fourth.status).toBe('done');
  const { pruned } = await prune(service.tools, await catalogue(), { before: later, now: later }, attempt);
  expect(pruned).toEqual([first.id]);
  const info = await readRepository(service.tools.pgbackrest);
  expect(info.backup.map(({ type }) => type)).toEqual(['full', 'full']);
  expect(info.archive[0]?.min).toBe(third.postgres?.wal.start);
  expect(filesBelow(join(service.folder, 'sets')).filter((file) => file.includes(first.id))).toEqual([]);
  // The mail that was erased before the second set.
  expect(await collect(service.tools.backups.list('files/'))).toHaveLength(3);
  expect(await findFaults(service.tools, await service.sets(), await newest(), LONG_AGO, attempt)).toMatchObject({
    own: [],
    older: [],
  });
});

test('journals of sends go with the oldest set that needs them', async () => {
  const { backups } = service.tools;
  const oldest = timeOfSet((await service.sets())[0]?.id ?? '').getTime();
  /** A run that claimed a moment after it began. */
  const archive = async (daysBefore: number) => {
    const began = oldest - daysBefore * 86_400_000;
    const hex = began.toString(16).padStart(12, '0');
    const runId = `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000001`;
    const claims = [{ at: new Date(began + 1_000).toISOString(), ids: [uuidv7()] }];
    await archiveRun(backups, 'email', runId, { complete: true, claims });
    return journalKey('email', runId);
  };
  const [old, needed, young] = [await archive(5), await archive(2), await archive(0.5)];
  const run = service.activities();
  expect(await run(({ pruneSets }) => pruneSets())).toEqual([]);
  const left = await collect(backups.list('journal/'));
  expect(left).toEqual(expect.arrayContaining([needed, young]));
  expect(left).not.toContain(old);
});
