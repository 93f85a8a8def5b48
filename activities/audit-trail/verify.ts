// Whether the audit trail in the database is what was written: recomputed from the newest checkpoint on, in one snapshot.
import type { ObjectStore } from '../../ops/runtime/object-store';
import { type Database, Prisma } from '../../prisma/client';
import { type Anchor, readAnchors } from './anchors';
import { GENESIS } from './canonical';
import { type Broken, type Checked, checkChain, type Fault, noteUnknownKey } from './chain';
import { checkCheckpoint, readCheckpoint } from './checkpoints';
import { readLinks } from './links';
import { type Head, readHead } from './seal';
import type { Verifier } from './signatures';

export interface Verification {
  ok: boolean;
  /** How many events were recomputed. */
  checked: number;
  /** How many anchors they were held to. */
  anchors: number;
  head: { position: number; hash: string };
  firstBroken: number | null;
  /** Why it is not ok: a code. `anchors_missing`, `key_unknown`: it could not be checked, and no break was found. */
  reason: Fault | Unchecked | null;
  /** Ids of keys that have signed, or are said to have, and that the verifier does not have. Eight at most. */
  unknownKeys: string[];
  /** What was committed and waits for the sealer. */
  unsealed: { events: number; oldestSeconds: number };
}

export type Unchecked = 'anchors_missing' | 'key_unknown';

/** Returns whether no break was found, and still nobody can say that the trail is whole. */
export const isUnchecked = ({ reason }: Pick<Verification, 'reason'>) =>
  reason === 'anchors_missing' || reason === 'key_unknown';

export interface VerifyDependencies {
  db: Database;
  /** Below BACKUP_URL. */
  store: ObjectStore;
  verifier: Verifier;
}

const LASTS_AT_MOST_MS = 6 * 3_600_000;

/** Throws AnchorsUnavailable where the store can't be read. */
export function verifyTrail(
  { db, store, verifier }: VerifyDependencies,
  progress?: (checked: number) => void,
): Promise<Verification> {
  return db.$transaction(
    async (tx) => {
      const snapshot = tx as Database;
      const { settled, anchored } = await snapshot.auditProgress.findUniqueOrThrow({ where: { id: 1 } });
      const head = await readHead(snapshot);
      const checkpoint = await readCheckpoint(snapshot);
      const start: Head = checkpoint ?? { position: 0n, hash: GENESIS };
      const beginning = checkpoint && checkCheckpoint(verifier, checkpoint);
      const found: Checked =
        beginning?.standing === 'forged'
          ? nothingChecked({ position: start.position, fault: 'checkpoint_forged' })
          : await checkChain({
              start,
              links: readLinks(snapshot, start.position),
              anchors: readAnchors(store, verifier, start.position),
              beyond: (anchor) => lookBeyond(db, anchor),
              ...(progress ? { progress } : {}),
            });
      if (beginning?.unknownKey) noteUnknownKey(found, beginning.unknownKey);
      const unsealed = await readUnsealed(snapshot, settled);
      const broken = first(found.broken, unsealed.inserted);
      // Where they were written once and are not there, nobody can say that the chain is the same.
      const isMissing = !broken && found.anchored < anchored;
      const unchecked = isMissing ? 'anchors_missing' : found.unknownKeys.length > 0 ? 'key_unknown' : null;
      const reason = broken?.fault ?? unchecked;
      return {
        ok: reason === null,
        checked: found.checked,
        anchors: found.anchors,
        head: { position: Number(head.position), hash: Buffer.from(head.hash).toString('hex') },
        firstBroken: broken && Number(broken.position),
        reason,
        unknownKeys: found.unknownKeys,
        unsealed: { events: unsealed.events, oldestSeconds: unsealed.oldestSeconds },
      };
    },
    { isolationLevel: Prisma.TransactionIsolationLevel.RepeatableRead, timeout: LASTS_AT_MOST_MS },
  );
}

const nothingChecked = (broken: Broken): Checked => ({
  checked: 0,
  anchors: 0,
  head: { position: 0n, hash: GENESIS },
  anchored: 0n,
  unknownKeys: [],
  broken,
});

const first = (a: Broken | null, b: Broken | null) => (a && b ? (a.position <= b.position ? a : b) : (a ?? b));

/** The sealer may have gone on since the snapshot was taken. */
async function lookBeyond(db: Database, { position, hash }: Anchor): Promise<'later' | 'cut' | 'differs'> {
  const seal = await db.auditSeal.findUnique({ where: { position } });
  if (!seal) return 'cut';
  return Buffer.from(seal.hash).toString('hex') === hash ? 'later' : 'differs';
}

/** What has no seal. Where the sealer has looked already, somebody has put it there since, or has taken its seal away. */
async function readUnsealed(
  db: Database,
  settled: bigint,
): Promise<Verification['unsealed'] & { inserted: Broken | null }> {
  const [row] = await db.$queryRaw<{ events: number; oldestSeconds: number; inserted: bigint | null }[]>`
    SELECT count(*)::int AS events,
      greatest(coalesce(floor(extract(epoch FROM clock_timestamp() - min(e.at))), 0), 0)::int AS "oldestSeconds",
      min(e.position) FILTER (WHERE e.position <= ${settled}) AS inserted
    FROM audit_events e WHERE NOT EXISTS (SELECT 1 FROM audit_seals s WHERE s.event_id = e.id)`;
  const { inserted, ...unsealed } = row ?? { events: 0, oldestSeconds: 0, inserted: null };
  if (inserted === null) return { ...unsealed, inserted: null };
  const [next] = await db.$queryRaw<{ position: bigint | null }[]>`
    SELECT min(s.position) AS position FROM audit_seals s JOIN audit_events e ON e.id = s.event_id
    WHERE e.position > ${inserted}`;
  const position = next?.position ?? (await readHead(db)).position + 1n;
  return { ...unsealed, inserted: { position, fault: 'event_inserted' } };
}
