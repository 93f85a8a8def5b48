// Re-applies past erasures, because a restore can bring erased people back. Only keyed hashes tell who: the index of mentions
// knows them too, and says which rows to read the address in.
import type { Logger } from '../../ops/runtime/logging';
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { Database } from '../../prisma/client';
import { recordEvent } from '../commands/audit';
import { SYSTEM } from '../commands/context';
import type { MentionIndex } from '../mention-index';
import { addressesInFile } from '../mention-index/files';
import { isWrittenTo, MANY, RECIPIENTS } from '../mention-index/lookup';
import { type DueRow, readTexts } from '../mention-index/texts';
import { endExports } from '../person-export/removal';
import type { Matcher } from '../personal-data/matching/matcher';
import type { Subjects } from '../personal-data/subject';
import { insertSuppression } from '../personal-data/suppress';
import { TEXT_PLACES } from '../personal-data/text-places';
import type { Person, PersonalDataStore } from '../user-erasure/stores/store';
import type { Ledger, LedgerEntry } from './ledger';

export interface ReplayDependencies {
  db: Database;
  ledger: Ledger;
  subjects: Subjects;
  files: ObjectStore;
  matcher: Matcher;
  index: Pick<MentionIndex, 'catchUp'>;
  /** Those that a restore rewinds, and what follows from their rows. */
  stores: readonly PersonalDataStore[];
  logger: Logger;
}

/**
 * Idempotent; goes on where it was cut off.
 * @param again from the first entry on: rows, mails or keys have come in since, of people whom no row mentions any more too
 * @returns how many entries were carried out
 */
export async function replayLedger(dependencies: ReplayDependencies, { again = false } = {}): Promise<number> {
  const { db, ledger, index, stores, logger } = dependencies;
  const { ledgerPosition } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  const pending: LedgerEntry[] = [];
  for await (const entry of ledger.entries(again ? 0 : ledgerPosition)) pending.push(entry);
  if (pending.length === 0) return 0;
  const wanted = new Set(pending.flatMap(({ subject }) => subject));
  await index.catchUp(() => {});
  const addresses = await findAddresses(dependencies, wanted);
  if (again) await findAddressesIn(dependencies, wanted, addresses);
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
        OR h.draft_id IN (SELECT d.id FROM drafts d WHERE ${isWrittenTo(person.hashes)}))
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

/** Returns the address behind each wanted hash (hex), if the index of mentions lists a row that has it. */
async function findAddresses(
  { db, files, subjects, matcher }: ReplayDependencies,
  wanted: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const hashes = [...wanted].map((hash) => Buffer.from(hash, 'hex'));
  // One row for each hash is enough; all that have too many addresses for the index are read.
  const rows = await db.$queryRaw<DueRow[]>`
    SELECT DISTINCT ON (hash) place, row_id AS "rowId", part FROM mentions WHERE hash = ANY (${hashes}::bytea[])
    UNION ALL SELECT place, row_id, part FROM mentions WHERE hash = ${MANY}`;
  for (const { place, ...row } of rows) {
    const table = TEXT_PLACES.find((one) => one.table === (place === RECIPIENTS ? 'drafts' : place));
    const [read] = table ? await readTexts(db, table, [{ ...row, place }]) : [];
    if (!read) continue;
    const inTexts = await matcher.addressesOf(read.texts.map(({ kind, value }) => ({ kind, value })));
    const inFile = read.sha256 ? await addressesInFile({ files, matcher }, read.sha256) : null;
    for (const address of [...inTexts.flat(), ...(inFile ?? [])]) note(address, subjects, wanted, found);
  }
  return found;
}

async function findAddressesIn(
  { stores, subjects, matcher }: ReplayDependencies,
  wanted: ReadonlySet<string>,
  found: Map<string, string>,
): Promise<void> {
  for (const store of stores) {
    for await (const value of store.texts?.() ?? []) {
      const [addresses = []] = await matcher.addressesOf([{ kind: 'text', value }]);
      for (const address of addresses) note(address, subjects, wanted, found);
    }
  }
}

function note(address: string, subjects: Subjects, wanted: ReadonlySet<string>, found: Map<string, string>): void {
  for (const hash of subjects.hashesOf(address)) {
    const hex = Buffer.from(hash).toString('hex');
    if (wanted.has(hex)) found.set(hex, address);
  }
}
