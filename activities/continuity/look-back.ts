// Detects a database that lost commits, was moved, or is a copy, by asking every store that no restore rewinds.
import type { Client } from '@temporalio/client';
import { nullIfForeign, type SignedStore } from '../../ops/runtime/signed-store';
import type { Database } from '../../prisma/client';
import type { HeldCode } from '../../workflows/contracts/held-mail';
import { MAIL_LANE, type Watermark } from '../../workflows/contracts/lane';
import type { Verifier } from '../audit-trail/signatures';
import type { Ledger } from '../erasure-ledger/ledger';
import { isBehind, readMarkInJournal, readMarkInTemporal } from '../lane/watermark';
import { isInEffect, listSoundRecords, readRecord } from '../restore/records';
import { findOtherAnchors } from './abandoned-anchors';
import { listSoundAdoptions } from './adoption-records';
import { findOthers, type Neighbours, readNeighbours } from './neighbours';

export interface LookBackSources {
  db: Database;
  /** Below BACKUP_URL. */
  backups: SignedStore;
  temporal: Client;
  verifier: Verifier;
  ledger: Ledger;
}

export interface LookedBack {
  code: HeldCode | null;
  /** While a restore of ours switches to this database, nothing can be said about it. */
  isSwitching: boolean;
  neighbours: Neighbours;
}

/** Throws if Temporal, the store or the database does not answer. */
export async function lookBack(sources: LookBackSources): Promise<LookedBack> {
  const neighbours = await readNeighbours(sources);
  if (await isSwitching(sources)) return { code: null, isSwitching: true, neighbours };
  const others = await findOthers(sources.db, neighbours);
  return { code: (await findRewind(sources, others)) ?? others[0] ?? null, isSwitching: false, neighbours };
}

/** The restore has yet to declare the anchors of the time before abandoned. */
async function isSwitching({ db, backups }: LookBackSources): Promise<boolean> {
  const { restoreId } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  const { held } = await db.lane.findUniqueOrThrow({ where: { name: MAIL_LANE } });
  if (!restoreId || !held) return false;
  const record = await readRecord(backups, restoreId).catch(nullIfForeign);
  return record?.state === 'prepared';
}

async function findRewind(
  { db, backups, temporal, verifier, ledger }: LookBackSources,
  others: readonly HeldCode[],
): Promise<HeldCode | null> {
  // A different store speaks of a different database.
  const isOther = { store: others.includes('other_backup_store'), temporal: others.includes('other_temporal') };
  // Read these before the database: it had committed whatever they know.
  const marks = [
    isOther.temporal ? null : await readMarkInTemporal(temporal, MAIL_LANE),
    isOther.store ? null : await readMarkInJournal(backups, MAIL_LANE),
  ];
  const found = await readMark(db);
  if (marks.some((mark) => mark && isBehind(found, mark))) return 'behind_journal';
  if (isOther.store) return null;
  if ((await readLatestGeneration(backups)) > found.generation) return 'earlier_life';
  return (await compareWithAnchors(db, backups, verifier)) ?? (await compareWithLedger(db, ledger));
}

/** Returns how far the mail lane of this database has come. */
async function readMark(db: Database): Promise<Watermark> {
  const { generation } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  const { claims } = await db.lane.findUniqueOrThrow({ where: { name: MAIL_LANE } });
  return { generation, claims: Number(claims) };
}

async function compareWithAnchors(db: Database, backups: SignedStore, verifier: Verifier): Promise<HeldCode | null> {
  for await (const { isContradicted } of findOtherAnchors({ db, backups }, verifier)) {
    return isContradicted ? 'other_audit_trail' : 'behind_audit_anchors';
  }
  return null;
}

/** Returns the generation of the newest restore or adoption that has been in effect. */
async function readLatestGeneration(backups: SignedStore): Promise<number> {
  const restores = (await listSoundRecords(backups)).filter(isInEffect);
  return Math.max(0, ...[...restores, ...(await listSoundAdoptions(backups))].map(({ generation }) => generation));
}

/** The certifier appends an entry while the erasure is `scanning`, before the database commits. */
async function compareWithLedger(db: Database, ledger: Ledger): Promise<HeldCode | null> {
  const { ledgerPosition } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  if ((await ledger.head()) <= ledgerPosition) return null;
  for await (const { requestId } of ledger.entries(ledgerPosition)) {
    const known = await db.erasure.findUnique({ where: { id: requestId }, select: { status: true } });
    if (!known || !['scanning', 'certified'].includes(known.status)) return 'behind_erasure_ledger';
  }
  return null;
}
