// Reads the addresses in a stored file, in windows that overlap by more than any spelled address is long.
import type { Readable } from 'node:stream';
import { nullIfNoObject, type ObjectStore } from '../../ops/runtime/object-store';
import { attachmentKey } from '../attachments';
import type { Matcher } from '../personal-data/matching/matcher';
import { windowsOf } from '../personal-data/matching/windows';

interface FileReading {
  files: Pick<ObjectStore, 'get' | 'versions'>;
  matcher: Pick<Matcher, 'addressesInBytes'>;
}

/** Returns the addresses in their normal form, null where they are more than `most`, or none where the file is gone. */
export async function addressesInFile(
  { files, matcher }: FileReading,
  sha256: string,
  most = Number.POSITIVE_INFINITY,
): Promise<Set<string> | null> {
  const found = new Set<string>();
  const content = await contentOf(files, attachmentKey(sha256));
  if (!content) return found;
  try {
    for await (const window of windowsOf(content)) {
      for (const address of await matcher.addressesInBytes(window)) found.add(address);
      if (found.size > most) return null;
    }
    return found;
  } finally {
    content.destroy();
  }
}

/** One that somebody deleted in S3 may still lie there in an older version, which has the same bytes. */
async function contentOf(files: FileReading['files'], key: string): Promise<Readable | null> {
  const current = await files.get(key).catch(nullIfNoObject);
  if (current) return current;
  for await (const { version } of files.versions(key)) {
    const older = await files.get(key, version).catch(nullIfNoObject);
    if (older) return older;
  }
  return null;
}
