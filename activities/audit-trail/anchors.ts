// Anchors: signed words about the head of the chain, beside the backups, where whoever rewrites the database does not reach.
import { z } from 'zod';
import { type ObjectStore, ObjectStoreError } from '../../ops/runtime/object-store';
import type { Standing } from '../../ops/runtime/signing';
import type { Database } from '../../prisma/client';
import { ANCHORS_FOLDER, isAbandoned, isRestoration, type Restoration, readRestoration } from './restorations';
import { type Head, readHead } from './seal';
import type { Signer, Verifier } from './signatures';
import { parse, readObject } from './stored-json';

const DIGITS = 20;
const READ_AHEAD = 16;

/** @param generation of the database: after a restore the same positions are anchored again, with other events */
export const anchorKey = (position: bigint, generation = 1) =>
  `${ANCHORS_FOLDER}${String(position).padStart(DIGITS, '0')}${generation > 1 ? `-${generation}` : ''}.json`;
const NAME = /^(\d{20})(?:-\d{1,10})?\.json$/;

const Statement = z.object({
  position: z.string().regex(/^\d{1,19}$/),
  /** Hexadecimal. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.iso.datetime(),
});
const AnchorFile = Statement.extend({ keyId: z.string(), signature: z.base64() });

export interface Anchor {
  position: bigint;
  hash: string;
  at: Date;
  /** `forged` also if it is unreadable, or not named after its position. */
  standing: Standing;
  /** The id of the key that is said to have signed it. */
  keyId: string;
  /** The id of an unknown key by which a restoration is signed that would abandon this anchor. It excuses nothing until it is known. */
  abandonedBy: string | null;
}

/** The store can't be read: nothing can be said about the chain. */
export class AnchorsUnavailable extends Error {
  override name = 'AnchorsUnavailable';
  constructor(readonly code: string) {
    super(`The anchors cannot be read: ${code}`);
  }
}

/** An anchor that is there is never replaced. @returns whether the one that is there now says the same */
export async function writeAnchor(
  store: ObjectStore,
  signer: Signer,
  head: Head,
  at = new Date(),
  generation = 1,
): Promise<boolean> {
  const key = anchorKey(head.position, generation);
  const statement = {
    position: String(head.position),
    hash: Buffer.from(head.hash).toString('hex'),
    at: at.toISOString(),
  };
  const there = await readObject(store, key);
  if (there !== null) return AnchorFile.safeParse(parse(there)).data?.hash === statement.hash;
  const anchor = { ...statement, keyId: signer.keyId, signature: signer.sign('anchor', statement).toString('base64') };
  await store.put(key, Buffer.from(`${JSON.stringify(anchor, null, 2)}\n`), { type: 'application/json' });
  return true;
}

const EACH_MS = 60_000;
const EACH_POSITIONS = 1_000n;

/**
 * Writes an anchor if the newest one is a minute or a thousand positions old.
 * @param isLast at the end of a process: whatever is committed after the anchor would be missed by nobody
 * @returns the position of the new one
 */
export async function anchorHead(
  { db, store, signer }: { db: Database; store: ObjectStore; signer: Signer },
  now = new Date(),
  isLast = false,
): Promise<{ position: bigint; isSame: boolean } | null> {
  const head = await readHead(db);
  const { anchored, anchoredAt } = await db.auditProgress.findUniqueOrThrow({ where: { id: 1 } });
  const isOld = isLast || !anchoredAt || now.getTime() - anchoredAt.getTime() >= EACH_MS;
  if (head.position <= anchored || !(isOld || head.position - anchored >= EACH_POSITIONS)) return null;
  const { generation } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  const isSame = await writeAnchor(store, signer, head, now, generation);
  if (isSame) await noteAnchored(db, head, now);
  return { position: head.position, isSame };
}

/** Only where the head is this database's own: a restore may have put another in its place since it was read. */
export async function noteAnchored(db: Database, { position, hash }: Head, at = new Date()): Promise<void> {
  const own = Uint8Array.from(hash);
  await db.$executeRaw`
    UPDATE audit_progress SET anchored = ${position}, anchored_at = ${at} WHERE id = 1 AND anchored < ${position}
      AND EXISTS (SELECT 1 FROM audit_seals WHERE position = ${position} AND hash = ${own}
        UNION ALL SELECT 1 FROM audit_checkpoints WHERE position = ${position} AND hash = ${own})`;
}

/**
 * From this position on, in order; a few are fetched ahead.
 * @param folder where they lie in the store
 * @param listedFrom the position from which restorations count, if that is known: a year's anchors are many to list
 */
export async function* readAnchors(
  store: ObjectStore,
  verifier: Verifier,
  from: bigint,
  folder = ANCHORS_FOLDER,
  listedFrom = 0n,
): AsyncGenerator<Anchor> {
  const ahead: Promise<Anchor>[] = [];
  // Its key comes before those of all anchors that it speaks of.
  const restorations: Restoration[] = [];
  const counting = function* (anchor: Anchor | undefined) {
    const covering = anchor ? restorations.filter((one) => isAbandoned(one, anchor)) : [];
    if (!anchor || covering.some(({ unknownKey }) => unknownKey === null)) return;
    yield { ...anchor, abandonedBy: covering[0]?.unknownKey ?? null };
  };
  try {
    // A name without its ending comes right before all names of that position.
    const after = listedFrom > 0n ? folder + String(listedFrom).padStart(DIGITS, '0') : undefined;
    for await (const key of store.list(folder, after)) {
      if (isRestoration(key, folder)) {
        const restoration = await readRestoration(store, key, verifier);
        if (restoration) restorations.push(restoration);
      }
      const position = positionOf(key, folder);
      if (position === null || position < from) continue;
      const anchor = readAnchor(store, key, position, verifier);
      // Its failure is told when its turn has come.
      anchor.catch(() => {});
      ahead.push(anchor);
      if (ahead.length >= READ_AHEAD) yield* counting(await ahead.shift());
    }
    for (const anchor of ahead) yield* counting(await anchor);
  } catch (error) {
    throw error instanceof ObjectStoreError ? new AnchorsUnavailable(error.code) : error;
  }
}

/** Those of a range that was pruned say nothing any more. */
export async function forgetAnchors(store: ObjectStore, below: bigint): Promise<number> {
  let forgotten = 0;
  for await (const key of store.list(ANCHORS_FOLDER)) {
    const position = positionOf(key, ANCHORS_FOLDER);
    if (position !== null && position >= below) break;
    if (position === null) continue;
    await store.delete(key);
    forgotten += 1;
  }
  return forgotten;
}

async function readAnchor(store: ObjectStore, key: string, position: bigint, verifier: Verifier): Promise<Anchor> {
  const found = AnchorFile.safeParse(parse((await readObject(store, key)) ?? ''));
  if (!found.success) {
    return { position, hash: '', at: new Date(0), standing: 'forged', keyId: '', abandonedBy: null };
  }
  const { signature, keyId, ...statement } = found.data;
  const standing =
    BigInt(statement.position) === position
      ? verifier.check('anchor', statement, Buffer.from(signature, 'base64'), keyId)
      : 'forged';
  return { position, hash: statement.hash, at: new Date(statement.at), standing, keyId, abandonedBy: null };
}

function positionOf(key: string, folder: string): bigint | null {
  const [, digits] = NAME.exec(key.slice(folder.length)) ?? [];
  return digits === undefined ? null : BigInt(digits);
}
