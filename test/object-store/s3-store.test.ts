import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
} from '@aws-sdk/client-s3';
import { type ObjectStore, ObjectStoreError, openObjectStore } from '../../ops/runtime/object-store';
import { collect } from '../support/collect';
import { useS3Server } from '../support/object-places';
import { startS3Server } from '../support/s3-server';
import { keepsTheContract } from './contract';

const server = useS3Server();

describe.each([
  ['an object store in S3', { versioned: false }, ''],
  ['an object store under a prefix of a versioned bucket', { versioned: true }, '/some/prefix'],
])('%s', (_title, options, prefix) => {
  let bucket: string;
  let store: ObjectStore;
  const uploadsOf = async () =>
    (await server.client().send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [];

  beforeAll(async () => {
    bucket = await server.createBucket(options);
    store = openObjectStore(`s3://${bucket}${prefix}`);
  });

  keepsTheContract(() => store, uploadsOf);

  test('keeps no version of what was deleted', async () => {
    await store.put('versions/one', Buffer.from('first'));
    await store.put('versions/one', Buffer.from('second'));
    await store.delete('versions/one');
    const { Versions = [], DeleteMarkers = [] } = await server
      .client()
      .send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: `${prefix.slice(1)}${prefix && '/'}versions/` }));
    expect([...Versions, ...DeleteMarkers]).toEqual([]);
  });

  test('gives replaced versions and those behind a delete marker where the bucket keeps them', async () => {
    const kept = async () => {
      const versions = await collect(store.versions('history/'));
      const texts = versions.map(async ({ key, version }) => (await buffer(await store.get(key, version))).toString());
      return (await Promise.all(texts)).sort();
    };
    await store.put('history/one', Buffer.from('first'));
    await store.put('history/one', Buffer.from('second'));
    expect(await kept()).toEqual(options.versioned ? ['first', 'second'] : ['second']);
    const Key = `${prefix.slice(1)}${prefix && '/'}history/one`;
    await server.client().send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    expect(await store.has('history/one')).toBe(false);
    expect(await kept()).toEqual(options.versioned ? ['first', 'second'] : []);
  });

  test('lists more keys than one answer of the server holds', async () => {
    const keys = Array.from({ length: 1_003 }, (_, n) => `many/${String(n).padStart(5, '0')}`);
    for (let n = 0; n < keys.length; n += 20) {
      await Promise.all(keys.slice(n, n + 20).map((key) => store.put(key, Buffer.from('x'))));
    }
    expect(await collect(store.list('many/'))).toEqual(keys);
    expect((await collect(store.versions('many/'))).map(({ key }) => key)).toEqual(keys);
  });

  test('aborts uploads that a killed process left open, and none that began later', async () => {
    const Key = `${prefix.slice(1)}${prefix && '/'}left/open`;
    await server.client().send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    await store.tidy(new Date(Date.now() - 60_000));
    expect(await uploadsOf()).toHaveLength(1);
    await store.tidy(new Date(Date.now() + 60_000));
    expect(await uploadsOf()).toEqual([]);
  });
});

test('a bucket that is missing is told by its code, and no key of access is repeated', async () => {
  const failed = openObjectStore('s3://no-such-bucket').put('one', Buffer.from('x'));
  await expect(failed).rejects.toEqual(new ObjectStoreError('NoSuchBucket'));
});

test('keys of access that are wrong are told by their code alone', async () => {
  const bucket = await server.createBucket();
  process.env.AWS_SECRET_ACCESS_KEY = 'wrong';
  try {
    await expect(collect(openObjectStore(`s3://${bucket}`).list('a'))).rejects.toThrow(ObjectStoreError);
  } finally {
    Object.assign(process.env, server.environment);
  }
});

test('a server that is away is no missing object', async () => {
  process.env.AWS_ENDPOINT_URL_S3 = 'http://127.0.0.1:9';
  try {
    await expect(openObjectStore('s3://bucket').has('one')).rejects.toThrow(ObjectStoreError);
  } finally {
    Object.assign(process.env, server.environment);
  }
});

test('a server with a certificate of its own is trusted by AWS_CA_BUNDLE alone, for large objects too', async () => {
  const own = await startS3Server({ tls: true });
  try {
    const bucket = await own.createBucket();
    const { AWS_CA_BUNDLE, ...withoutBundle } = own.environment;
    Object.assign(process.env, withoutBundle);
    await expect(openObjectStore(`s3://${bucket}`).has('one')).rejects.toThrow(ObjectStoreError);
    process.env.AWS_CA_BUNDLE = AWS_CA_BUNDLE;
    const store = openObjectStore(`s3://${bucket}`);
    const chunks = Array.from({ length: 12 }, () => Buffer.alloc(1024 * 1024));
    await store.put('large', Readable.from(chunks));
    expect(await store.has('large')).toBe(true);
  } finally {
    delete process.env.AWS_CA_BUNDLE;
    Object.assign(process.env, server.environment);
    await own.stop();
  }
});
