// Who holds a key or a session. A look-up is kept for a second, so that a busy key costs the database almost nothing.
import { createHash } from 'node:crypto';
import type { Actor, Role } from '../activities/commands/context';
import type { Database } from '../prisma/client';

const KEPT_MS = 1_000;
const MOST_KEPT = 10_000;

export interface Holder {
  actor: Actor;
  keyId: string;
  /** What the key's requests are counted under. */
  counter: string;
}

interface Row {
  keyId: string;
  hash: Uint8Array;
  principalId: string;
  name: string;
  roles: Role[];
}

export const sha256 = (secret: string) => Uint8Array.from(createHash('sha256').update(secret).digest());
export const counterOf = (keyHash: Uint8Array) => Buffer.from(keyHash.subarray(0, 16)).toString('base64url');

export function createKeyRing(db: Database) {
  const kept = new Map<string, { holder: Promise<Holder | null>; until: number }>();

  function find(kind: 'key' | 'session', hash: Uint8Array, look: () => Promise<Row[]>): Promise<Holder | null> {
    const name = `${kind} ${Buffer.from(hash).toString('base64url')}`;
    const known = kept.get(name);
    if (known && known.until > Date.now()) return known.holder;
    const holder = look().then(([row]) => (row ? toHolder(row) : null));
    const forget = () => {
      if (kept.get(name)?.holder === holder) kept.delete(name);
    };
    // Only who was found is kept: strangers could fill the memory otherwise.
    holder.then((found) => found || forget(), forget);
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(name, { holder, until: Date.now() + KEPT_MS });
    return holder;
  }

  return {
    byKey: (hash: Uint8Array) =>
      find(
        'key',
        hash,
        () => db.$queryRaw<Row[]>`
          SELECT k.id AS "keyId", k.hash, k.principal_id AS "principalId", p.name, k.roles
          FROM api_keys k JOIN principals p ON p.id = k.principal_id
          WHERE k.hash = ${hash} AND k.ended_at IS NULL`,
      ),
    bySession: (hash: Uint8Array) =>
      find(
        'session',
        hash,
        () => db.$queryRaw<Row[]>`
          SELECT k.id AS "keyId", k.hash, k.principal_id AS "principalId", p.name, k.roles
          FROM sessions s JOIN api_keys k ON k.id = s.key_id JOIN principals p ON p.id = k.principal_id
          WHERE s.hash = ${hash} AND s.expires_at > now() AND k.ended_at IS NULL`,
      ),
    /** Whose key this was, before it ended. */
    async endedKey(hash: Uint8Array): Promise<Holder | null> {
      const [row] = await db.$queryRaw<Row[]>`
        SELECT k.id AS "keyId", k.hash, k.principal_id AS "principalId", p.name, k.roles
        FROM api_keys k JOIN principals p ON p.id = k.principal_id
        WHERE k.hash = ${hash} AND k.ended_at IS NOT NULL`;
      return row ? toHolder(row) : null;
    },
    /** A key or a session has ended: this process looks again at once, others within a second. */
    forgetAll: () => kept.clear(),
  };
}

export type KeyRing = ReturnType<typeof createKeyRing>;

function toHolder({ keyId, hash, principalId, name, roles }: Row): Holder {
  return { actor: { id: principalId, name, roles }, keyId, counter: counterOf(hash) };
}
