// What makes a backup a set: one signed document, written last. A set without it, or whose signature doesn't hold, doesn't exist.
import { z } from 'zod';
import { ObjectNotFound, type ObjectStore } from '../../ops/runtime/object-store';
import { checkJson, type Signer, signJson } from '../../ops/runtime/signing';
import { toSetId } from '../../workflows/contracts/backup';

export const SETS = 'sets/';
export const manifestKey = (id: string) => `${SETS}${id}/manifest.json`;

/** `20260123T180000Z`, the time at which it began. */
export const SetId = z.string().regex(/^\d{8}T\d{6}Z$/);
export { toSetId };

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Count = z.number().int().min(0);
/** One encrypted object. `size` and `sha256` are those of the object as it is stored. */
const StoredObject = z.object({ key: z.string(), size: Count, sha256: Sha256 });

const PostgresPart = z.object({
  /** pgBackRest's name for it. */
  label: z.string(),
  /** Major version. */
  version: z.string(),
  systemId: z.string(),
  /** Bytes of the cluster, and of what the repository holds for it. */
  size: Count,
  repositorySize: Count,
  /** Of the repository's list of this backup's files and their checksums. */
  sha256: Sha256,
  /** The segments that it needs to be consistent; the first eight digits of each are the timeline. */
  wal: z.object({ start: z.string(), stop: z.string() }),
  stoppedAt: z.iso.datetime(),
});

/** The database as a provider keeps it: when this set was made, by its own clock, so that it can be restored to that time. */
const ProviderPart = z.object({
  at: z.iso.datetime(),
  /** Place in the write-ahead log; null if the role may not read it. */
  lsn: z.string().nullable(),
  timeline: z.int().nullable(),
  /** The cluster's system identifier and the database's oid. */
  databaseId: z.string().nullable(),
});

const Manifest = z.object({
  format: z.literal(1),
  id: SetId,
  kind: z.enum(['full', 'incr']),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** Of Countersign. */
  release: z.string(),
  /** The newest migration of the database. */
  schema: z.string(),
  /** Of the audit chain; the position as digits. */
  audit: z.object({ position: z.string(), hash: Sha256 }).nullable(),
  /** How far the erasure ledger had been carried out. */
  ledger: Count,
  /** Of the entry that it had come to, which holds for all entries before it; null where it had none. Older sets lack it. */
  ledgerHash: Sha256.nullable().optional(),
  /** Rows of tables that never lose one: a later state has as many or more. */
  rows: z.record(z.string(), Count),
  postgres: PostgresPart.nullable(),
  /** In place of `postgres` where a provider keeps the database. */
  provider: ProviderPart.optional(),
  redis: StoredObject.extend({ keys: Count }).nullable(),
  /** The object lists the files; each lies by its own SHA-256 below `files/`. */
  files: StoredObject.extend({ files: Count, bytes: Count }).nullable(),
});

export type Manifest = z.infer<typeof Manifest>;
export type ProviderPart = z.infer<typeof ProviderPart>;
export type PostgresPart = z.infer<typeof PostgresPart>;

const Signed = z.object({ manifest: z.unknown(), signature: z.string(), publicKey: z.string() });

export class ManifestBroken extends Error {
  override name = 'ManifestBroken';
  constructor(
    readonly setId: string,
    /** `unknown_key`: soundly signed by a key that is not in SECRET_KEY, so nobody here can say whose it is. */
    readonly reason: 'unreadable' | 'signature' | 'unknown_key',
  ) {
    super(`The manifest of ${setId} is not sound: ${reason}`);
  }
}

export async function writeManifest(backups: ObjectStore, signer: Signer, manifest: Manifest): Promise<void> {
  const signed = { manifest, ...signJson(signer, manifest) };
  await backups.put(manifestKey(manifest.id), Buffer.from(`${JSON.stringify(signed, null, 2)}\n`), {
    type: 'application/json',
  });
}

/** @returns null where there is no such set. Throws ManifestBroken */
export async function readManifest(backups: ObjectStore, signer: Signer, id: string): Promise<Manifest | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of await backups.get(manifestKey(id))) chunks.push(chunk as Buffer);
  } catch (error) {
    if (error instanceof ObjectNotFound) return null;
    throw error;
  }
  const signed = Signed.safeParse(parse(Buffer.concat(chunks).toString()));
  const manifest = Manifest.safeParse(signed.data?.manifest);
  if (!signed.success || !manifest.success || manifest.data.id !== id) throw new ManifestBroken(id, 'unreadable');
  const standing = checkJson(signer, signed.data.manifest, signed.data);
  if (standing !== 'genuine') throw new ManifestBroken(id, standing === 'forged' ? 'signature' : standing);
  return manifest.data;
}

/** The ids of all sets, the oldest first. */
export async function listSets(backups: ObjectStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const key of backups.list(SETS)) {
    const id = /^sets\/(\d{8}T\d{6}Z)\/manifest\.json$/.exec(key)?.[1];
    if (id) ids.push(id);
  }
  return ids;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
