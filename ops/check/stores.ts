// Tries an object store as the service uses it: writes, reads, lists and removes an object of its own.
import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { GetBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { openObjectStore } from '../runtime/object-store';
import { clientSettings } from '../runtime/object-store/s3-store';
import { type Finding, failed, ok, warning } from './finding';

/** @param setting FILES_URL or BACKUP_URL */
export async function checkStore(setting: string, url: string): Promise<Finding[]> {
  const store = openObjectStore(url);
  const key = `countersign-check/${randomUUID()}`;
  const content = Buffer.from('countersign check');
  const steps: [what: string, work: () => Promise<unknown>][] = [
    ['write', () => store.put(key, content)],
    ['read', async () => expectSame(await buffer(await store.get(key)), content)],
    [
      'list',
      async () => {
        for await (const one of store.list('countersign-check/')) if (one === key) return;
        throw new Error('absent');
      },
    ],
    ['remove', () => store.delete(key)],
  ];
  for (const [what, work] of steps) {
    try {
      await work();
    } catch (error) {
      await store.delete(key).catch(() => {});
      const { code, name } = error as { code?: string; name?: string };
      return [failed(`${setting}: ${what}`, code ?? name ?? 'failed', REMEDY)];
    }
  }
  return [ok(setting, 'writes, reads, lists and removes'), ...(await checkVersions(setting, url))];
}

const REMEDY =
  'give the identity the rights of docs/configuration.md, "Object storage", and check bucket, region and endpoint';

function expectSame(read: Buffer, written: Buffer): void {
  if (!read.equals(written)) throw new Error('differs');
}

/** Only versions protect backups from whoever deletes or overwrites them. */
async function checkVersions(setting: string, url: string): Promise<Finding[]> {
  const { protocol, hostname } = new URL(url);
  if (setting !== 'BACKUP_URL') return [];
  if (protocol === 'file:') {
    return [
      warning(
        'BACKUP_URL: place',
        'a folder of this machine',
        'set an S3 bucket that belongs to somebody else: a folder is lost with its disk',
      ),
    ];
  }
  const client = new S3Client(clientSettings());
  try {
    const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket: hostname }));
    return [
      Status === 'Enabled'
        ? ok('BACKUP_URL: versions', 'kept')
        : warning(
            'BACKUP_URL: versions',
            'not kept',
            'turn versioning on in the bucket: it brings back what was deleted or overwritten',
          ),
    ];
  } catch (error) {
    return [
      warning(
        'BACKUP_URL: versions',
        `could not be asked (${(error as Error).name})`,
        'grant s3:GetBucketVersioning, or look in the bucket',
      ),
    ];
  } finally {
    client.destroy();
  }
}
