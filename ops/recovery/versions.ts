// What somebody deleted or overwrote in a bucket that keeps versions, as it was before.
import type { ListObjectVersionsCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { sideBySide } from '../../activities/backup/side-by-side';
import { CommandFailed } from '../command';
import { clientSettings } from '../runtime/object-store/s3-store';
import { EXIT } from './exit';

const refused = (message: string) => new CommandFailed('refused', message, EXIT.refused);

export interface BroughtBack {
  /** Objects that had been deleted, and that had been overwritten. */
  undeleted: number;
  overwritten: number;
}

interface Entry {
  id: string;
  at: Date;
  isMarker: boolean;
  isLatest: boolean;
  etag: string;
}

const ROUNDS = 100;
const AT_A_TIME = 8;

/** Ids of some servers begin with the time at which a version was made; what they tell of it moves when it is replaced. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_DIGITS = 10;

function madeAt(id: string, modified: Date): Date {
  if (!ULID.test(id)) return modified;
  return new Date([...id.slice(0, TIME_DIGITS)].reduce((time, digit) => time * 32 + DIGITS.indexOf(digit), 0));
}

/** @param url s3://bucket/prefix. What did not exist at that time, and what had been deleted by then, is left as it is. */
export async function bringBackVersions(url: string, before: Date): Promise<BroughtBack> {
  const { protocol, hostname: Bucket, pathname } = new URL(url);
  if (protocol !== 's3:') throw refused('Only a bucket keeps versions, and BACKUP_URL is a folder.');
  const prefix = decodeURIComponent(pathname).replace(/^\/+|\/+$/g, '');
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client(clientSettings());
  try {
    const { Status } = await client.send(new sdk.GetBucketVersioningCommand({ Bucket }));
    if (Status === undefined) throw refused(`The bucket ${Bucket} keeps no versions: nothing can be brought back.`);
    const done: BroughtBack = { undeleted: 0, overwritten: 0 };
    const seen = new Set<string>();
    // A listing may miss some while others change: until one finds nothing more to do.
    for (let round = 0; round < ROUNDS; round++) {
      const found = await listEntries(client, Bucket, prefix ? `${prefix}/` : '');
      let changed = 0;
      const bring = async ([Key, entries]: [string, Entry[]]) => {
        const back = versionAt(entries, before);
        if (!back || seen.has(Key)) return;
        const newer = entries.filter(({ at, id }) => at >= before && id !== back.id);
        changed += 1;
        if (newer.every(({ isMarker }) => isMarker)) {
          for (const { id: VersionId } of newer)
            await client.send(new sdk.DeleteObjectCommand({ Bucket, Key, VersionId }));
          done.undeleted += 1;
          return;
        }
        const CopySource = `${Bucket}/${encodeURIComponent(Key).replaceAll('%2F', '/')}?versionId=${back.id}`;
        await client.send(new sdk.CopyObjectCommand({ Bucket, Key, CopySource }));
        seen.add(Key);
        done.overwritten += 1;
      };
      await sideBySide(found, AT_A_TIME, bring, new AbortController().signal);
      if (changed === 0) return done;
    }
    throw new Error('The bucket changes all the time: take the rights from whoever does it, and begin again.');
  } finally {
    client.destroy();
  }
}

/** Null where there is nothing to bring back. */
function versionAt(entries: readonly Entry[], before: Date): Entry | null {
  const then = entries
    .filter(({ at }) => at < before)
    .sort((a, b) => b.at.getTime() - a.at.getTime() || Number(b.isLatest) - Number(a.isLatest))[0];
  const latest = entries.find(({ isLatest }) => isLatest);
  if (!then || then.isMarker || then.isLatest) return null;
  return latest && !latest.isMarker && latest.etag === then.etag ? null : then;
}

async function listEntries(client: S3Client, Bucket: string, Prefix: string): Promise<Map<string, Entry[]>> {
  const { ListObjectVersionsCommand } = await import('@aws-sdk/client-s3');
  const found = new Map<string, Map<string, Entry>>();
  let next: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | null = {};
  while (next) {
    const page: ListObjectVersionsCommandOutput = await client.send(
      new ListObjectVersionsCommand({ Bucket, Prefix, ...next }),
    );
    const all = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? []).map((one) => ({ ...one, ETag: undefined }))];
    for (const { Key = '', VersionId: id = 'null', LastModified: modified = new Date(0), IsLatest, ETag } of all) {
      const entry = {
        id,
        at: madeAt(id, modified),
        isMarker: ETag === undefined,
        isLatest: IsLatest === true,
        etag: ETag ?? '',
      };
      // Some servers repeat one where a page begins.
      found.set(Key, (found.get(Key) ?? new Map<string, Entry>()).set(id, entry));
    }
    next = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : null;
  }
  return new Map([...found].map(([key, entries]) => [key, [...entries.values()]]));
}
