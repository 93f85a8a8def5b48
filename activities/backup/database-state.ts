// What the database says of itself before it is backed up: whoever restores it compares.
import type { Database } from '../../prisma/client';
import { readHead } from '../audit-trail/seal';
import type { Ledger } from '../erasure-ledger/ledger';
import { nullIfBroken } from './ledger-head';
import type { Manifest } from './manifest';

export type DatabaseState = Pick<Manifest, 'schema' | 'audit' | 'ledger' | 'ledgerHash' | 'rows'>;

export async function readDatabaseState(db: Database, ledger: Pick<Ledger, 'hashAt'>): Promise<DatabaseState> {
  const [migration] = await db.$queryRaw<{ name: string }[]>`
    SELECT migration_name AS name FROM _prisma_migrations
    WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY migration_name DESC LIMIT 1`;
  const { position, hash } = await readHead(db);
  const instance = await db.instance.findUnique({ where: { id: 1 }, select: { ledgerPosition: true } });
  const ledgerPosition = instance?.ledgerPosition ?? 0;
  const [rows] = await db.$queryRaw<Record<string, number>[]>`
    SELECT (SELECT count(*)::float8 FROM drafts) AS drafts,
      (SELECT count(*)::float8 FROM principals) AS principals,
      (SELECT count(*)::float8 FROM policies) AS policies,
      (SELECT count(*)::float8 FROM erasures) AS erasures,
      (SELECT count(*)::float8 FROM legal_holds) AS legal_holds`;
  return {
    schema: migration?.name ?? '',
    audit: position === 0n ? null : { position: String(position), hash: Buffer.from(hash).toString('hex') },
    ledger: ledgerPosition,
    // The verification tells of a ledger that is broken; it keeps nobody from backing up.
    ledgerHash: await ledger.hashAt(ledgerPosition).catch(nullIfBroken),
    rows: rows ?? {},
  };
}
