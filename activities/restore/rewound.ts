// The restored database is told that time was rewound: a new life begins in it, nothing is sent from it, whoever was erased
// since stays erased, and what had been claimed for sending counts as perhaps sent.
import type { Client } from '@temporalio/client';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { createDatabase, type Database } from '../../prisma/client';
import { isRewound } from '../../workflows/contracts/held-mail';
import { readAnchors } from '../audit-trail/anchors';
import { GENESIS } from '../audit-trail/canonical';
import { readCheckpoint } from '../audit-trail/checkpoints';
import { writeRestoration } from '../audit-trail/restorations';
import { type Head, readHash } from '../audit-trail/seal';
import { createSigner } from '../audit-trail/signatures';
import { UNCONFIRMED } from '../commands/failure-codes';
import { readHeld } from '../continuity/hold';
import { type ReplayDependencies, replayLedger } from '../erasure-ledger/replay';
import { beginNewLife, markSent } from '../rewind';
import { parkAll, wouldLeave } from '../rewind/park';

export interface RewindDependencies {
  temporal: Client;
  /** What the erasure ledger needs to be carried out on this database. */
  erasuresOn(db: Database): ReplayDependencies;
}

export interface Rewound {
  generation: number;
  parked: number;
  complete: boolean;
  /** The last event of the audit chain that no other life contradicts; the position as digits, the hash in hexadecimal. */
  head: { position: string; hash: string };
}

export interface Rewinding {
  restoreId: string;
  /** Of the database that begins a new life. */
  url: string;
  /** The last event that it has in common with the living database; null if that one went on from its end. */
  forkedAt?: bigint | null;
}

const FEW_CONNECTIONS = {
  DB_POOL_SIZE: 0,
  DB_POOL_OVERFLOW: 6,
  DB_POOL_TIMEOUT_SECONDS: 30,
  DB_POOL_RECYCLE_SECONDS: 3600,
};

export async function withDatabase<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const { db, close } = createDatabase({ DATABASE_URL: url, ...FEW_CONNECTIONS });
  try {
    return await work(db);
  } finally {
    await close();
  }
}

/** Idempotent; done again right before the switch, since mail goes out until then. */
export function rewind(
  { backups, settings }: RecoveryTools,
  { temporal, erasuresOn }: RewindDependencies,
  { restoreId, url, forkedAt = null }: Rewinding,
): Promise<Rewound> {
  return withDatabase(url, async (db) => {
    const oldGeneration = await generationOf(settings.DATABASE_URL);
    const { generation } = await beginNewLife({ db, backups, restoreId, oldGeneration });
    const { parked, complete } = await markSent({ db, backups, temporal });
    const unconfirmed = await settleHold(db);
    await replayLedger(erasuresOn(db));
    const { position, hash } = await readLastCommon(db, forkedAt);
    return {
      generation,
      parked: parked + unconfirmed,
      complete,
      head: { position: String(position), hash: Buffer.from(hash).toString('hex') },
    };
  });
}

/** Other lives may have anchored whatever came after this database's own newest anchor. */
async function readLastCommon(db: Database, forkedAt: bigint | null): Promise<Head> {
  const { anchored } = await db.auditProgress.findUniqueOrThrow({ where: { id: 1 } });
  const position = forkedAt !== null && forkedAt < anchored ? forkedAt : anchored;
  const hash = await readHash(db, position);
  // What was pruned has lost its anchors too.
  return hash ? { position, hash } : ((await readCheckpoint(db)) ?? { position: 0n, hash: GENESIS });
}

/**
 * Ends the hold that the database had at the restored moment. If it had lost commits by then, what would leave by itself may
 * have been withdrawn in the lost time: it is parked, as an adoption does. Returns how many drafts were.
 */
async function settleHold(db: Database): Promise<number> {
  const held = await readHeld(db);
  if (!held) return 0;
  const parked = isRewound(held.code) ? await parkAll(db, wouldLeave(held.at), UNCONFIRMED) : 0;
  await db.instance.update({ where: { id: 1 }, data: { heldCode: null, heldAt: null } });
  return parked;
}

/** Of the database that lives; 0 where it is away. */
async function generationOf(url: string): Promise<number> {
  return withDatabase(url, async (db) => (await db.instance.findUniqueOrThrow({ where: { id: 1 } })).generation).catch(
    () => 0,
  );
}

/**
 * Anchors of the range that was abandoned count no more; those that the restored database has written itself, while this was
 * on its way, do. Idempotent.
 */
export async function abandonAnchors({ backups, settings }: RecoveryTools, head: Rewound['head']): Promise<void> {
  const signer = createSigner(settings.SECRET_KEY);
  const from: Head = { position: BigInt(head.position), hash: Buffer.from(head.hash, 'hex') };
  await withDatabase(settings.DATABASE_URL, async (db) => {
    const start = await readStart(db);
    let [last, at] = [0n, start];
    let firstOwn: Date | null = null;
    for await (const anchor of readAnchors(backups, signer, from.position + 1n)) {
      const own = await readHash(db, anchor.position);
      if (own && Buffer.from(own).toString('hex') === anchor.hash) {
        if (anchor.at >= start) firstOwn ??= anchor.at;
      } else {
        last = anchor.position;
        if (anchor.at > at) at = anchor.at;
      }
    }
    // It has its say about what was anchored up to then.
    if (firstOwn && firstOwn <= at) at = new Date(firstOwn.getTime() - 1);
    if (last > 0n) await writeRestoration(backups, signer, from, last, at);
  });
}

/** Until then another database may have written anchors, and this one none. */
async function readStart(db: Database): Promise<Date> {
  const [row] = await db.$queryRaw<[{ at: Date }]>`SELECT pg_postmaster_start_time() AS at`;
  return row.at;
}
