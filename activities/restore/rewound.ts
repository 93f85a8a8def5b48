// The restored database is told that time was rewound: a new life begins in it, nothing is sent from it, whoever was erased
// since stays erased, and what had been claimed for sending counts as perhaps sent.
import type { Client } from '@temporalio/client';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { createDatabase, type Database } from '../../prisma/client';
import { readAnchors } from '../audit-trail/anchors';
import { writeRestoration } from '../audit-trail/restorations';
import { type Head, readHead } from '../audit-trail/seal';
import { createSigner } from '../audit-trail/signatures';
import { type ReplayDependencies, replayLedger } from '../erasure-ledger/replay';
import { beginNewLife, markSent } from '../rewind';

export interface RewindDependencies {
  temporal: Client;
  /** What the erasure ledger needs to be carried out on this database. */
  erasuresOn(db: Database): ReplayDependencies;
}

export interface Rewound {
  generation: number;
  parked: number;
  complete: boolean;
  /** Of the restored audit chain; the position as digits, the hash in hexadecimal. */
  head: { position: string; hash: string };
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
  { restoreId, url }: { restoreId: string; url: string },
): Promise<Rewound> {
  return withDatabase(url, async (db) => {
    const oldGeneration = await generationOf(settings.DATABASE_URL);
    const { generation } = await beginNewLife({ db, backups, restoreId, oldGeneration });
    // Why mail was held when the backup was made holds no more.
    await db.instance.update({ where: { id: 1 }, data: { heldCode: null, heldAt: null } });
    const { parked, complete } = await markSent({ db, backups, temporal });
    await replayLedger(erasuresOn(db));
    const { position, hash } = await readHead(db);
    return {
      generation,
      parked,
      complete,
      head: { position: String(position), hash: Buffer.from(hash).toString('hex') },
    };
  });
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
    const own = await readSealsAfter(db, from.position);
    let [last, at] = [0n, await readStart(db)];
    let firstOwn: Date | null = null;
    for await (const anchor of readAnchors(backups, signer, from.position + 1n)) {
      if (own.get(anchor.position) === anchor.hash) {
        firstOwn ??= anchor.at;
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

/** Few: of its new life. @returns the hashes by position, in hexadecimal */
async function readSealsAfter(db: Database, position: bigint): Promise<Map<bigint, string>> {
  const seals = await db.auditSeal.findMany({
    where: { position: { gt: position } },
    select: { position: true, hash: true },
  });
  return new Map(seals.map(({ position: at, hash }) => [at, Buffer.from(hash).toString('hex')]));
}

/** Until then another database may have written anchors, and this one none. */
async function readStart(db: Database): Promise<Date> {
  const [row] = await db.$queryRaw<[{ at: Date }]>`SELECT pg_postmaster_start_time() AS at`;
  return row.at;
}
