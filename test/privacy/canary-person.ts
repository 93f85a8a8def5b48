// A person who can be told from everybody else by each word about them, and how to look for them in raw bytes.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createScanning } from '../../activities/personal-data/matching/scanning';
import { tracesIn } from '../support/traces';

export const EMAIL = 'kanarienvogel-7391@nest-of-canaries.example';
export const CANARY = {
  local: 'kanarienvogel-7391',
  name: 'zilpzalpname',
  subject: 'zilpzalpsubject',
  body: 'zilpzalpbody',
  html: 'zilpzalphtml',
  fileName: 'zilpzalpfile',
  bytes: 'zilpzalpbytes',
  metadata: 'zilpzalpmetadata',
  comment: 'zilpzalpcomment',
};
const WORDS = Object.values(CANARY);
const scanning = createScanning();
const fingerprints = [createHash('sha256').update(CANARY.bytes).digest('hex')];
scanning.open('canary', [{ email: EMAIL, fingerprints }]);

/** What of the person these bytes hold, in any encoding; the address in any case as well. */
export function tracesOfCanary(content: Buffer): string[] {
  const found = scanning.search('canary', { bytes: content, from: 0, to: content.length, isBinary: true });
  const isAddress = found.length > 0;
  return [...tracesIn(content, WORDS), ...(isAddress ? ['address or fingerprint'] : [])];
}

/** By file, where there is any; a file's name counts as well. */
export function tracesInFolder(folder: string): Record<string, string[]> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const found = entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path, tracesOfCanary(Buffer.concat([Buffer.from(`${path}\n`), readFileSync(path)]))] as const;
  });
  return Object.fromEntries(found.filter(([, words]) => words.length > 0));
}
