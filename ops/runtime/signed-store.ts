// Signs small objects under BACKUP_URL, where others may be able to write, and reads back only what this installation signed.
// An object is two lines: the statement as JSON, and its signature, which holds for this key of the store alone.

import { text } from 'node:stream/consumers';
import { BACKUP_STORE } from '../../workflows/contracts/services';
import type { Configuration } from './configuration';
import { nullIfNoObject, type ObjectStore, openObjectStore } from './object-store';
import { createSigner, type Signed, type Signer } from './signing';

export interface SignedStore extends ObjectStore {
  readonly signer: Signer;
}

/** An object that steers nothing, because nobody can say that it is ours. */
export class ForeignObject extends Error {
  override name = 'ForeignObject';
  readonly code = 'foreign_object';
  constructor(
    readonly key: string,
    why: string,
  ) {
    super(
      `${key} under BACKUP_URL ${why}. Bring its own version back, or remove it (docs/DR_RUNBOOK.md#8-the-bucket-was-attacked)`,
    );
  }
}

/** For `catch`: an object that is not ours is null. */
export function nullIfForeign(error: unknown): null {
  if (error instanceof ForeignObject) return null;
  throw error;
}

/** Opens the store under BACKUP_URL. Manifests and reports of drills are signed with the same key. */
export const openSignedStore = ({
  BACKUP_URL,
  SECRET_KEY,
}: Pick<Configuration, 'BACKUP_URL' | 'SECRET_KEY'>): SignedStore => ({
  ...openObjectStore(BACKUP_URL, BACKUP_STORE),
  signer: createSigner(SECRET_KEY, 'backups'),
});

export async function putSigned(
  store: Pick<SignedStore, 'put' | 'signer'>,
  key: string,
  statement: object,
): Promise<void> {
  const json = JSON.stringify(statement);
  const signed = store.signer.sign(textOf(key, json));
  await store.put(key, Buffer.from(`${json}\n${JSON.stringify(signed)}\n`), { type: 'application/json' });
}

/** Returns the statement, or null if there is no such object. Throws ForeignObject. */
export async function getSigned(store: Pick<SignedStore, 'get' | 'signer'>, key: string): Promise<unknown> {
  const found = await store.get(key).then(text).catch(nullIfNoObject);
  if (found === null) return null;
  const [json = '', last = '', ...others] = found.split('\n');
  const signed = readSignature(last);
  if (!signed || others.join('') !== '') throw new ForeignObject(key, 'is not signed');
  const standing = store.signer.check(textOf(key, json), signed);
  if (standing === 'unknown_key') throw new ForeignObject(key, 'is signed with a key that is not in SECRET_KEY');
  if (standing === 'forged') throw new ForeignObject(key, 'was changed after it had been signed');
  return JSON.parse(json);
}

/** The key is signed too, so that no object can stand for another. */
const textOf = (key: string, json: string) => `countersign object ${key}\n${json}`;

function readSignature(line: string): Signed | null {
  try {
    const { signature, publicKey } = JSON.parse(line);
    return typeof signature === 'string' && typeof publicKey === 'string' ? { signature, publicKey } : null;
  } catch {
    return null;
  }
}
