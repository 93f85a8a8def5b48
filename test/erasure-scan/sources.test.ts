// Each source against a real server: everything that it holds is read, and nothing is told but the place.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { Redis } from 'ioredis';
import {
  createFilesSource,
  createObjectsSource,
  createPostgresSource,
  createRedisSource,
  type ScanSource,
  type SourceReport,
} from '../../activities/erasure-scan';
import { openObjectStore } from '../../ops/runtime/object-store';
import { REDIS_PREFIX } from '../../ops/runtime/redis';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { newFolder } from '../support/environment';
import { objectPlaces, useS3Server } from '../support/object-places';
import { testServers } from '../support/servers';
import { scanOne } from './scan-one';
import { BYTES, EMAIL, NEAR_MISSES, SPELLINGS } from './spellings';

const TEXTS = SPELLINGS.map(([, text]) => ` ${text} `);
const OTHERS = NEAR_MISSES.map(([, text]) => ` ${text} `).join('\n');

const scanOf = (source: ScanSource, fingerprints: string[] = []): Promise<SourceReport> =>
  scanOne(source, EMAIL, fingerprints);

describe('PostgreSQL', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  const scan = (fingerprints?: string[]) => scanOf(createPostgresSource(database.url), fingerprints);
  const sql = (statement: string, ...values: unknown[]) => database.db.$executeRawUnsafe(statement, ...values);

  it('is read whole, every table of the catalogue', async () => {
    const tables = await database.db.$queryRaw<{ name: string }[]>`
      SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`;
    expect(await scan()).toMatchObject({ source: 'postgres', items: tables.length, findings: 0, places: [] });
  });

  it('shows every spelling in texts, arrays and JSON, and in bytes', async () => {
    await sql('CREATE TABLE "Odd ""name" (words text, list text[], document jsonb, raw bytea)');
    for (const text of TEXTS) await sql('INSERT INTO "Odd ""name" (words) VALUES ($1)', text);
    expect(await scan()).toMatchObject({ findings: TEXTS.length, places: ['Odd "name'] });
    await sql('TRUNCATE "Odd ""name"');
    await sql('INSERT INTO "Odd ""name" (list) VALUES ($1)', ['x', EMAIL]);
    await sql('INSERT INTO "Odd ""name" (document) VALUES ($1::jsonb)', JSON.stringify({ [EMAIL]: `to <${EMAIL}>` }));
    for (const [, bytes] of BYTES) await sql('INSERT INTO "Odd ""name" (raw) VALUES ($1)', bytes);
    await sql('INSERT INTO "Odd ""name" (raw) VALUES ($1)', Buffer.from(`<${EMAIL}>`));
    // Columns of bytes are read as text: in one, what touches an address belongs to it.
    expect((await scan()).findings).toBe(1 + 2 + (BYTES.length - 1) + 1);
    await sql('DROP TABLE "Odd ""name"');
  });

  it('shows each element of a list of bytes, whatever stands before it', async () => {
    const hash = 'ab'.repeat(32);
    await sql('CREATE TABLE lists (raw bytea[])');
    // A length before it that is a letter of an address is none of its own.
    const padded = Buffer.from(`${EMAIL} ${'x'.repeat(96 - EMAIL.length)}`);
    await sql(
      'INSERT INTO lists VALUES (ARRAY[$1::bytea, NULL, $2]), (NULL), (ARRAY[]::bytea[])',
      Buffer.from(''),
      padded,
    );
    await sql('INSERT INTO lists VALUES (ARRAY[ARRAY[$1::bytea], ARRAY[$2::bytea]])', Buffer.from(hash, 'hex'), padded);
    expect((await scan([hash])).findings).toBe(3);
    await sql('DROP TABLE lists');
  });

  it('shows a fingerprint in a column of bytes, and nobody else', async () => {
    const hash = 'ab'.repeat(32);
    await sql('CREATE TABLE prints (raw bytea, words text)');
    await sql('INSERT INTO prints VALUES ($1, $2)', Buffer.from(hash, 'hex'), OTHERS);
    expect((await scan([hash])).findings).toBe(1);
    expect((await scan(['cd'.repeat(32)])).findings).toBe(0);
    await sql('DROP TABLE prints');
  });

  it('is read past one fetch of the cursor, and leaves no connection', async () => {
    await sql(`CREATE TABLE many AS SELECT n, 'row ' || n AS words FROM generate_series(1, 2345) n`);
    await sql(`UPDATE many SET words = $1 WHERE n IN (1, 500, 501, 2345)`, EMAIL);
    expect(await scan()).toMatchObject({ findings: 4, places: ['many'] });
    await sql('DROP TABLE many');
  });
});

describe('Redis', () => {
  let redis: Redis;
  const own = (name: string) => `${REDIS_PREFIX}scan-test:${name}`;
  const scan = () => scanOf(createRedisSource(testServers().redis));
  const keys = new Set<string>();
  const note = (name: string) => {
    keys.add(name);
    return name;
  };
  beforeAll(() => {
    redis = new Redis(testServers().redis);
  });
  afterEach(async () => {
    if (keys.size > 0) await redis.del(...keys);
    keys.clear();
  });
  afterAll(() => redis.quit());

  it('shows every spelling in a value', async () => {
    for (const [n, text] of TEXTS.entries()) await redis.set(note(own(`text-${n}`)), text);
    for (const [n, [, bytes]] of BYTES.entries()) await redis.set(note(own(`bytes-${n}`)), bytes);
    await redis.set(note(own('others')), OTHERS);
    expect((await scan()).findings).toBe(TEXTS.length + BYTES.length);
  });

  it('shows every type, in its names and its values', async () => {
    await redis.hset(note(own('hash')), 'field', EMAIL, EMAIL, 'value');
    await redis.rpush(note(own('list')), ...Array.from({ length: 1_200 }, (_, n) => (n === 1_100 ? EMAIL : `${n}`)));
    await redis.sadd(note(own('set')), EMAIL, 'other');
    await redis.zadd(note(own('sorted')), 1, 'other', 2, EMAIL);
    await redis.xadd(note(own('stream')), '*', 'field', EMAIL);
    const report = await scan();
    expect(report.findings).toBe(6);
    expect(report.places.sort()).toEqual(['hash', 'list', 'set', 'sorted', 'stream'].map(own));
  });

  it('shows a key that holds the person, whatever its value, without its name', async () => {
    await redis.set(note(own(`counter-${EMAIL}`)), '1');
    const report = await scan();
    expect(report.findings).toBe(1);
    expect(JSON.stringify(report)).not.toContain(EMAIL);
  });

  it('is read only where the keys are ours', async () => {
    await redis.set(note(`somebody-else:${EMAIL}`), EMAIL);
    expect((await scan()).findings).toBe(0);
  });

  it('that is away fails the scan', async () => {
    await expect(scanOf(createRedisSource('redis://127.0.0.1:9'))).rejects.toThrow();
  });
});

describe('objects', () => {
  const s3 = useS3Server();

  it.each(objectPlaces(s3, 'some/prefix'))(
    '%s show every spelling, under the prefixes asked for alone',
    async (_title, place) => {
      const store = openObjectStore(await place());
      for (const [n, text] of TEXTS.entries()) await store.put(`attachments/${n}`, Buffer.from(text));
      for (const [n, [, bytes]] of BYTES.entries()) await store.put(`attachments/b${n}`, bytes);
      await store.put('attachments/others', Buffer.from(OTHERS));
      await store.put('base/backup', Buffer.from(EMAIL));
      const scan = (...prefixes: string[]) => scanOf(createObjectsSource([{ name: 'files', store, prefixes }]));
      // An author's file is text: there what touches an address belongs to it.
      expect((await scan('attachments/')).findings).toBe(TEXTS.length + BYTES.length - 1);
      expect(await scan('base/', 'journal/')).toMatchObject({
        items: 1,
        findings: 1,
        places: [expect.stringMatching(/^files\/base\/backup\?versionId=\w+$/)],
      });
      expect((await scan('')).findings).toBe(TEXTS.length + BYTES.length);
    },
  );

  it('show what was replaced and what a delete marker hides', async () => {
    const bucket = await s3.createBucket({ versioned: true });
    const store = openObjectStore(`s3://${bucket}`);
    await store.put('a/replaced', Buffer.from(EMAIL));
    await store.put('a/replaced', Buffer.from('nobody'));
    await store.put('a/hidden', Buffer.from(EMAIL));
    await s3.client().send(new DeleteObjectCommand({ Bucket: bucket, Key: 'a/hidden' }));
    const scan = () => scanOf(createObjectsSource([{ name: 'files', store, prefixes: [''] }]));
    expect(await scan()).toMatchObject({ items: 3, findings: 2 });
    await store.delete('a/hidden');
    await store.delete('a/replaced');
    expect(await scan()).toMatchObject({ items: 0, findings: 0 });
  });
});

describe('files', () => {
  const scan = (...paths: string[]) => scanOf(createFilesSource(paths));

  it('show every spelling, in folders within folders', async () => {
    const folder = newFolder('scanned');
    mkdirSync(join(folder, 'a', 'b'), { recursive: true });
    for (const [n, text] of TEXTS.entries()) writeFileSync(join(folder, 'a', 'b', `${n}.log`), text);
    for (const [n, [, bytes]] of BYTES.entries()) writeFileSync(join(folder, 'a', `${n}.db`), bytes);
    writeFileSync(join(folder, '.hidden'), OTHERS);
    const report = await scan(folder);
    expect(report).toMatchObject({ items: TEXTS.length + BYTES.length + 1, findings: TEXTS.length + BYTES.length });
    expect(report.places[0]).toBe(join(folder, 'a', '0.db'));
  });

  it('may be named one by one, and a link is followed', async () => {
    const folder = newFolder('scanned');
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    writeFileSync(one, EMAIL);
    symlinkSync(one, two);
    expect(await scan(one)).toMatchObject({ items: 1, findings: 1, places: [one] });
    expect(await scan(two)).toMatchObject({ items: 1, findings: 1, places: [two] });
  });

  it('called after somebody else are shown without the name', async () => {
    const folder = newFolder('scanned');
    for (const name of ['bob@elsewhere.example.eml', 'BOB%40elsewhere.example.eml'])
      writeFileSync(join(folder, name), EMAIL);
    expect(await scan(folder)).toMatchObject({ items: 2, findings: 2, places: [join(folder, '[address]')] });
  });

  it('that are missing are an error that names them', async () => {
    const folder = newFolder('scanned');
    await expect(scan(folder, join(folder, 'missing.db'))).rejects.toThrow(join(folder, 'missing.db'));
  });

  it('may vanish while they are read', async () => {
    const folder = newFolder('scanned');
    for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, name), EMAIL);
    const source = createFilesSource([folder]);
    const vanishing: ScanSource = {
      ...source,
      async *read(subject) {
        for await (const item of source.read(subject)) {
          if (item.place.endsWith('a')) rmSync(join(folder, 'b'));
          yield item;
        }
      },
    };
    expect(await scanOf(vanishing)).toMatchObject({ findings: 2, places: [join(folder, 'a'), join(folder, 'c')] });
  });
});
