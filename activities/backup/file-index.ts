// What the file part of a set names: each file by the object that holds it, and those that are there no more, as long as an
// older set names them. It says all that pruning needs, so that no older one is read for it.
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { type Manifest, SETS } from './manifest';
import { readEncrypted, type StoredObject, storeEncrypted } from './stored-object';

export const FILES = 'files/';

const Entry = z.object({
  /** `files`: FILES_URL, by its key. `mailbox`: MAILBOX_PATH, by its name. */
  store: z.enum(['files', 'mailbox']),
  name: z.string(),
  /** Of its content. */
  size: z.number(),
  sha256: z.string(),
  /** Of the object, encrypted. */
  key: z.string(),
});
const Index = z.object({
  /** Settings without secrets. */
  configuration: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
  files: z.array(Entry),
  /** `last`: the newest set that names it. */
  gone: z.array(z.object({ key: z.string(), last: z.string() })),
});

export type FileEntry = z.infer<typeof Entry>;
export type FileIndex = z.infer<typeof Index>;
export type FilesPart = NonNullable<Manifest['files']>;

type Tools = Pick<RecoveryTools, 'backups' | 'encryption'>;

export const indexKey = (setId: string) => `${SETS}${setId}/files.json.enc`;

export const writeIndex = (tools: Tools, setId: string, index: FileIndex, signal: AbortSignal): Promise<StoredObject> =>
  storeEncrypted(tools, indexKey(setId), Readable.from([Buffer.from(JSON.stringify(index))]), signal);

/** Throws WrongPassphrase, ObjectNotFound. */
export async function readIndex(tools: Tools, { key }: Pick<FilesPart, 'key'>): Promise<FileIndex> {
  return Index.parse(JSON.parse((await readEncrypted(tools, key)).toString()));
}
