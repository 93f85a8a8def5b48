// Objects in S3, or in what speaks like it. Address, region and keys are the standard AWS_* variables.
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { ListObjectVersionsCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { ObjectNotFound, ObjectStoreError } from './errors';
import { checkKey, checkPrefix } from './key';
import type { ObjectStore } from './object-store';

export function openS3Store(url: URL): ObjectStore {
  const Bucket = url.hostname;
  if (!Bucket) throw new TypeError('An S3 store is s3://bucket or s3://bucket/prefix');
  const folder = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  const root = folder ? `${folder}/` : '';
  const at = (key: string) => ({ Bucket, Key: root + checkKey(key) });

  // The SDK is loaded with the first call: who keeps files in a folder never pays for it.
  let loaded: Promise<{ sdk: typeof import('@aws-sdk/client-s3'); client: S3Client }> | undefined;
  const connect = () => {
    loaded ??= import('@aws-sdk/client-s3').then((sdk) => ({ sdk, client: new sdk.S3Client(clientSettings()) }));
    return loaded;
  };

  async function deleteVersions(key: string): Promise<void> {
    const { sdk, client } = await connect();
    const { Key } = at(key);
    // From the start again after each page: deleting while paging skips entries.
    for (;;) {
      const page = await client.send(new sdk.ListObjectVersionsCommand({ Bucket, Prefix: Key, MaxKeys: 100 }));
      const versions = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].filter((one) => one.Key === Key);
      if (versions.length === 0) return;
      for (const VersionId of new Set(versions.map((one) => one.VersionId))) {
        await client.send(new sdk.DeleteObjectCommand({ Bucket, Key, VersionId }));
      }
    }
  }

  async function* sizes(prefix: string, after?: string): AsyncIterable<{ key: string; size: number }> {
    checkPrefix(prefix);
    const from = after === undefined ? {} : { StartAfter: root + after };
    const { sdk, client } = await connect();
    let ContinuationToken: string | undefined;
    do {
      const page = await client
        .send(new sdk.ListObjectsV2Command({ Bucket, Prefix: root + prefix, ContinuationToken, ...from }))
        .catch(fail);
      for (const { Key, Size = 0 } of page.Contents ?? []) if (Key) yield { key: Key.slice(root.length), size: Size };
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken);
  }

  return {
    async put(key, content, options = {}) {
      const place = at(key);
      let sourceError: Error | undefined;
      if (content instanceof Readable) {
        content.once('error', (error) => {
          sourceError = error;
        });
      }
      const { client } = await connect();
      const { Upload } = await import('@aws-sdk/lib-storage');
      const params = { ...place, Body: content, ...(options.type ? { ContentType: options.type } : {}) };
      try {
        await new Upload({ client, params, queueSize: 1 }).done();
      } catch (error) {
        if (content instanceof Readable) content.destroy();
        // A put that fails destroys its source, which then fails too: only the same error is the source's own.
        throw error === sourceError ? error : fault(error);
      }
    },

    async get(key, version) {
      const place = { ...at(key), ...(version === undefined ? {} : { VersionId: version }) };
      const { sdk, client } = await connect();
      const { Body } = await client.send(new sdk.GetObjectCommand(place)).catch(fail);
      return Body as Readable;
    },

    async has(key) {
      const place = at(key);
      const { sdk, client } = await connect();
      try {
        await client.send(new sdk.HeadObjectCommand(place));
        return true;
      } catch (error) {
        const known = fault(error);
        if (known instanceof ObjectNotFound) return false;
        throw known;
      }
    },

    async delete(key) {
      checkKey(key);
      await deleteVersions(key).catch(fail);
    },

    async *list(prefix, after) {
      for await (const { key } of sizes(prefix, after)) yield key;
    },

    sizes: (prefix) => sizes(prefix),

    async *versions(prefix) {
      checkPrefix(prefix);
      const { sdk, client } = await connect();
      let next: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
      while (next) {
        const page: ListObjectVersionsCommandOutput = await client
          .send(new sdk.ListObjectVersionsCommand({ Bucket, Prefix: root + prefix, ...next }))
          .catch(fail);
        for (const { Key, VersionId = 'null' } of page.Versions ?? []) {
          // Some servers begin a page with the last one of the page before.
          const isRepeated = Key === next.KeyMarker && VersionId === next.VersionIdMarker;
          if (Key && !isRepeated) yield { key: Key.slice(root.length), version: VersionId };
        }
        next = page.IsTruncated
          ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
          : undefined;
      }
    },

    async tidy(before) {
      const { sdk, client } = await connect();
      const { Uploads = [] } = await client
        .send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: root }))
        .catch(fail);
      for (const { Key, UploadId, Initiated } of Uploads) {
        if (!Key || !UploadId || !Initiated || Initiated >= before) continue;
        await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(fail);
      }
    },
  };
}

/** Of the standard AWS_* variables. */
export function clientSettings() {
  // The SDK advises on the version of Node, in seven lines that no log and no operator expects.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, AWS_CA_BUNDLE } = process.env;
  const ownServer = Boolean(AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL);
  const region = AWS_REGION || AWS_DEFAULT_REGION || (ownServer ? 'us-east-1' : undefined);
  return {
    ...(region ? { region } : {}),
    // A server of one's own seldom has a host name for each bucket.
    forcePathStyle: ownServer,
    // The SDK opens such a request on an agent of its own, which trusts no authority of ours.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: 5_000,
      socketTimeout: 60_000,
      // The SDK for JavaScript does not read this one by itself.
      ...(AWS_CA_BUNDLE ? { httpsAgent: { ca: readFileSync(AWS_CA_BUNDLE) } } : {}),
    },
  };
}

function fault(error: unknown): Error {
  if (error instanceof ObjectNotFound) return error;
  const { name, code, $metadata } = error as { name?: string; code?: string; $metadata?: { httpStatusCode?: number } };
  if (name === 'NoSuchKey' || name === 'NotFound' || name === 'NoSuchVersion') return new ObjectNotFound();
  const known = code ?? (name && name !== 'Error' ? name : undefined) ?? $metadata?.httpStatusCode;
  return new ObjectStoreError(String(known ?? 'unknown'));
}

function fail(error: unknown): never {
  throw fault(error);
}
