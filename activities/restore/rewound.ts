// The restored database is told that time was rewound: a new life begins in it, nothing is sent from it, whoever was erased
// since stays erased, and what had been claimed for sending counts as perhaps sent.
import type { Client } from '@temporalio/client';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { createDatabase, type Database } from '../../prisma/client';
import { ANCHORS_FOLDER, writeRestoration } from '../audit-trail/restorations';
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

/** Anchors of the range that was abandoned count no more. */
export async function abandonAnchors({ backups, settings }: RecoveryTools, head: Rewound['head']): Promise<void> {
  let last = 0n;
  for await (const key of backups.list(ANCHORS_FOLDER)) {
    const position = /\/(\d{20})\.json$/.exec(key)?.[1];
    if (position && BigInt(position) > last) last = BigInt(position);
  }
  const from: Head = { position: BigInt(head.position), hash: Buffer.from(head.hash, 'hex') };
  if (last > from.position) await writeRestoration(backups, createSigner(settings.SECRET_KEY), from, last);
}
