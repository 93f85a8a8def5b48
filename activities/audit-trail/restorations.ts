// A database that is restored to an earlier time has lost what anchors speak of. Whoever restores it says so, signed, beside
// them: which positions were abandoned, and when. Anchors of that range that are older count no more; all others do.
import { z } from 'zod';
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { Head } from './seal';
import type { Signer, Verifier } from './signatures';
import { parse, readObject } from './stored-json';

export const ANCHORS_FOLDER = 'audit/anchors/';
const NAME = /^(\d{20})-restored-[0-9-]{1,40}\.json$/;
const Position = z.string().regex(/^\d{1,19}$/);

const Statement = z.object({
  /** Of the restored chain's head, with its hash: what goes on. */
  position: Position,
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** The last position that was abandoned. */
  abandonedTo: Position,
  at: z.iso.datetime(),
});
const File = Statement.extend({ keyId: z.string(), signature: z.base64() });

/** Before the restored database takes its first event. @param head of the restored chain */
export async function writeRestoration(
  store: ObjectStore,
  signer: Signer,
  head: Head,
  abandonedTo: bigint,
  at = new Date(),
): Promise<void> {
  const statement = {
    position: String(head.position),
    hash: Buffer.from(head.hash).toString('hex'),
    abandonedTo: String(abandonedTo),
    at: at.toISOString(),
  };
  const signature = signer.sign('restoration', statement).toString('base64');
  const key = `${ANCHORS_FOLDER}${String(head.position).padStart(20, '0')}-restored-${at.getTime()}.json`;
  await store.put(key, Buffer.from(`${JSON.stringify({ ...statement, keyId: signer.keyId, signature }, null, 2)}\n`), {
    type: 'application/json',
  });
}

export const isRestoration = (key: string, folder: string) => NAME.test(key.slice(folder.length));

export interface Restoration {
  position: bigint;
  abandonedTo: bigint;
  at: Date;
  /** Null if it is genuine; else the id of the unknown key that it names. */
  unknownKey: string | null;
}

/** @returns null if it is forged or unreadable: then it excuses nothing */
export async function readRestoration(
  store: ObjectStore,
  key: string,
  verifier: Verifier,
): Promise<Restoration | null> {
  const found = File.safeParse(parse((await readObject(store, key)) ?? ''));
  if (!found.success) return null;
  const { signature, keyId, ...statement } = found.data;
  const standing = verifier.check('restoration', statement, Buffer.from(signature, 'base64'), keyId);
  if (standing === 'forged') return null;
  const { position, abandonedTo, at } = statement;
  const unknownKey = standing === 'unknown_key' ? keyId : null;
  return { position: BigInt(position), abandonedTo: BigInt(abandonedTo), at: new Date(at), unknownKey };
}

export const isAbandoned = ({ position, abandonedTo, at }: Restoration, anchor: { position: bigint; at: Date }) =>
  anchor.position > position && anchor.position <= abandonedTo && anchor.at <= at;
