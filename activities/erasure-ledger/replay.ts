// Carries the ledger out on this database: after a restore it holds people again who have been erased. Only keyed hashes
// tell who: every address in the database is hashed and compared.
import type { Logger } from '../../ops/runtime/logging';
import { type Database, Prisma } from '../../prisma/client';
import { recordEvent } from '../commands/audit';
import { SYSTEM } from '../commands/context';
import { endExports } from '../person-export/removal';
import { normaliseAddress, type Subjects } from '../personal-data/subject';
import { insertSuppression } from '../personal-data/suppress';
import { TEXT_TABLES } from '../user-erasure/stores/postgres/mentions';
import { isTo } from '../user-erasure/stores/postgres/own-drafts';
import type { Person, PersonalDataStore } from '../user-erasure/stores/store';
import type { Ledger, LedgerEntry } from './ledger';

export interface ReplayDependencies {
  db: Database;
  ledger: Ledger;
  subjects: Subjects;
  /** Those that a restore rewinds, and what follows from their rows. */
  stores: readonly PersonalDataStore[];
  logger: Logger;
}

/**
 * Idempotent; goes on where it was cut off.
 * @param again from the first entry on: rows, mails or keys have come in since, of people whom no row mentions any more too
 * @returns how many entries were carried out
 */
export async function replayLedger(
  { db, ledger, subjects, stores, logger }: ReplayDependencies,
  { again = false } = {},
): Promise<number> {
  const { ledgerPosition } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  const pending: LedgerEntry[] = [];
  for await (const entry of ledger.entries(again ? 0 : ledgerPosition)) pending.push(entry);
  if (pending.length === 0) return 0;
  const wanted = new Set(pending.flatMap(({ subject }) => subject));
  const addresses = await findAddresses(db, subjects, wanted);
  if (again) await findAddressesIn(stores, subjects, wanted, addresses);
  for (const entry of pending) {
    const email = entry.subject.map((hash) => addresses.get(hash)).find((one) => one !== undefined);
    const hashes = entry.subject.map((hash) => Uint8Array.from(Buffer.from(hash, 'hex')));
    // Before the purge: nothing is sent to them meanwhile.
    await suppress(db, entry, hashes);
    await endExports(db, hashes);
    if (email !== undefined) await purge(db, stores, { email, hashes, requestId: entry.requestId });
    const { position } = entry;
    await db.instance.updateMany({ where: { ledgerPosition: { lt: position } }, data: { ledgerPosition: position } });
    logger.info({ requestId: entry.requestId, position: entry.position }, 'An erasure has been carried out again');
  }
  return pending.length;
}

/** What was certified was held by nobody any more: holds that the restore brought back have been released since. */
async function purge(db: Database, stores: readonly PersonalDataStore[], person: Person): Promise<void> {
  const goThrough = async () => {
    let withheld = 0;
    for (const store of stores) withheld += (await store.purge(person, () => {})).withhold;
    return withheld;
  };
  if ((await goThrough()) === 0) return;
  await releaseHolds(db, person);
  await goThrough();
}

async function releaseHolds(db: Database, person: Person): Promise<void> {
  const context = { actor: SYSTEM, requestId: person.requestId };
  await db.$transaction(async (transaction) => {
    const tx = transaction as Database;
    const released = await tx.$queryRaw<{ id: string }[]>`
      UPDATE legal_holds h SET released_at = clock_timestamp()
      WHERE h.released_at IS NULL AND (h.subject_hashes && ${person.hashes}
        OR h.draft_id IN (SELECT d.id FROM drafts d WHERE ${isTo(person)}))
      RETURNING h.id`;
    for (const { id } of released) {
      await recordEvent(tx, context, { type: 'hold.released', subject: 'hold', subjectId: id });
    }
  });
}

async function suppress(db: Database, entry: LedgerEntry, hashes: Uint8Array<ArrayBuffer>[]): Promise<void> {
  const { requestId } = entry;
  await db.$transaction(async (transaction) => {
    const tx = transaction as Database;
    const known = await tx.erasure.findUnique({ where: { id: requestId }, select: { status: true } });
    const at = new Date(entry.certifiedAt);
    const done = { status: 'certified', activeHash: null, sealed: null, endedAt: at };
    if (known?.status === 'certified') return;
    await tx.erasure.upsert({
      where: { id: requestId },
      update: { ...done, version: { increment: 1 } },
      create: {
        ...done,
        id: requestId,
        subjectHashes: hashes,
        requestedBy: SYSTEM.id,
        requestedAt: at,
        graceUntil: at,
        deadlineAt: at,
        preview: [],
      },
    });
    if (!(await tx.suppression.findUnique({ where: { erasureId: requestId } }))) {
      await insertSuppression(tx, { kind: 'erased', hashes, erasureId: requestId, createdBy: SYSTEM.id });
    }
    const context = { actor: SYSTEM, requestId };
    await recordEvent(tx, context, { type: 'erasure.replayed', subject: 'erasure', subjectId: requestId });
  });
}

const ADDRESS = "[[:alnum:]_.!#$%&''*+/=?^`{|}~-]+(?:@|%40|&#64;|&commat;)[[:alnum:].-]+";

/** Of the wanted hashes (hex): which address each belongs to, where the database mentions it. */
async function findAddresses(
  db: Database,
  subjects: Subjects,
  wanted: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const [table, columns] of PLACES) {
    for (const column of columns) {
      const rows = await db.$queryRaw<{ address: string }[]>`
        SELECT DISTINCT lower(m[1]) AS address
        FROM ${Prisma.raw(`"${table}"`)} t, regexp_matches(t.${Prisma.raw(`"${column}"`)}::text, ${`(${ADDRESS})`}, 'g') m`;
      for (const { address } of rows) note(address, subjects, wanted, found);
    }
  }
  return found;
}

const IN_TEXT = /[\p{L}\p{N}_.!#$%&'*+/=?^`{|}~-]+(?:@|%40|&#64;|&commat;)[\p{L}\p{N}.-]+/giu;
/** May belong to an address, or stand before it. */
const BEFORE = /[!#$%&'*+/=?^`{|}~]/g;

async function findAddressesIn(
  stores: readonly PersonalDataStore[],
  subjects: Subjects,
  wanted: ReadonlySet<string>,
  found: Map<string, string>,
): Promise<void> {
  for (const store of stores) {
    for await (const text of store.texts?.() ?? []) {
      for (const [address] of text.matchAll(IN_TEXT)) {
        note(address, subjects, wanted, found);
        for (const { index } of address.matchAll(BEFORE)) note(address.slice(index + 1), subjects, wanted, found);
      }
    }
  }
}

function note(address: string, subjects: Subjects, wanted: ReadonlySet<string>, found: Map<string, string>): void {
  const email = normaliseAddress(address.replace(/%40|&#64;|&commat;/i, '@').replace(/\.+$/, ''));
  for (const hash of subjects.hashesOf(email)) {
    const hex = Buffer.from(hash).toString('hex');
    if (wanted.has(hex)) found.set(hex, email);
  }
}

const PLACES: [table: string, columns: string[]][] = [
  ['drafts', ['to']],
  ['principals', ['name', 'email']],
  ...TEXT_TABLES.map(({ table, columns }): [string, string[]] => [table, columns]),
];
