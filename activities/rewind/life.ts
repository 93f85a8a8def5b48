// A restored database begins a new life: nothing of what it says may be carried out before the journal has been asked what
// had been sent (mark-sent.ts). docs/rewind.md explains why that is enough.
import type { SignedStore } from '../../ops/runtime/signed-store';
import type { Database } from '../../prisma/client';
import { recordEvent } from '../commands/audit';
import { type CommandContext, SYSTEM } from '../commands/context';
import { listAdoptions } from '../continuity/adoption-records';
import { listRecords } from '../restore/records';
import { type Known, readKnown } from './known';

const BEGUN = 'restore.begun';

/** What the restored database knew before anything of its new life was written. */
export interface Life extends Known {
  /** The id of the restore, or of the adoption. */
  restoreId: string;
  isAdoption?: boolean;
  generation: number;
  /** Of the audit event that began it: what is behind that is of this life. */
  position: bigint;
  begunAt: Date;
}

/** Events of a restore that follow its beginning. */
export type Chapter = 'marked' | 'reconcile_begun' | 'reconciled' | 'released';

export class NoNewLife extends Error {
  override name = 'NoNewLife';
  readonly code = 'no_new_life';
  constructor() {
    super('This database has not begun a new life: beginNewLife comes first.');
  }
}

export interface BeginNewLife {
  /** The restored database. */
  db: Database;
  /** Below BACKUP_URL. */
  backups: SignedStore;
  /** UUIDv7; a repeat with the same id changes nothing. */
  restoreId: string;
  /** Of the cluster that is left behind, where it could be asked. */
  oldGeneration?: number | undefined;
  /** The database is surely of no earlier moment, where it went on since and its last event is of another time. */
  noEarlierThan?: Date | undefined;
  /** Whether it is the database that lives, found to have gone back by other means. */
  isAdoption?: boolean;
}

/** One transaction. Whoever goes on in the old life is heard by nobody from here on: every process goes by the generation. */
export async function beginNewLife(given: BeginNewLife): Promise<Life> {
  const { db, backups, restoreId, oldGeneration = 0, noEarlierThan, isAdoption = false } = given;
  const highest = Math.max(oldGeneration, await highestGeneration(backups));
  return db.$transaction(async (transaction) => {
    const tx = transaction as Database;
    await tx.$executeRaw`SELECT 1 FROM instance WHERE id = 1 FOR UPDATE`;
    const instance = await tx.instance.findUniqueOrThrow({ where: { id: 1 } });
    if (instance.restoreId === restoreId) return (await readLife(tx)) as Life;
    const generation = Math.max(instance.generation, highest) + 1;
    const known = await readKnownBefore(tx, noEarlierThan);
    // No run of the old life is to be archived by the lane: it would replace what is archived already by what Temporal still has.
    await tx.lane.updateMany({ data: { held: true, owner: null, journalRun: null } });
    await tx.outboxMessage.deleteMany();
    await tx.instance.update({ where: { id: 1 }, data: { generation, restoreId, ...NO_NEIGHBOURS } });
    await recordEvent(tx, contextOfRestore(restoreId), {
      type: BEGUN,
      subject: 'restore',
      subjectId: restoreId,
      data: { generation, ...known, ...(isAdoption ? { isAdoption } : {}) },
    });
    return (await readLife(tx)) as Life;
  });
}

/** A life that was never released has changed nothing outside: what its predecessor knew still counts. */
async function readKnownBefore(tx: Database, noEarlierThan: Date | undefined): Promise<Known> {
  const life = await readLife(tx);
  if (life && !(await readChapter(tx, life, 'released'))) {
    const { knownUntil, journalRun, namespaceId, mark } = life;
    return { knownUntil, journalRun, namespaceId, ...(mark ? { mark } : {}) };
  }
  const known = await readKnown(tx);
  return noEarlierThan ? { ...known, knownUntil: noEarlierThan.toISOString() } : known;
}

/** It lives with whomever it finds. */
export const NO_NEIGHBOURS = { temporalNamespaceId: null, backupStoreId: null, databaseId: null, timeline: null };

export const contextOfRestore = (restoreId: string): CommandContext => ({ actor: SYSTEM, requestId: restoreId });

/** Null in the first life of a database. */
export async function readLife(db: Database): Promise<Life | null> {
  const { restoreId } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  const event =
    restoreId &&
    (await db.auditEvent.findFirst({ where: { subjectId: restoreId, type: BEGUN }, orderBy: { position: 'desc' } }));
  if (!restoreId || !event) return null;
  const { position, at: begunAt, data } = event;
  return { restoreId, position, begunAt, ...(data as unknown as Omit<Life, 'restoreId' | 'position' | 'begunAt'>) };
}

/** What this life has been through, the newest of its kind. */
export const readChapter = (db: Database, { restoreId, position }: Life, type: Chapter) =>
  db.auditEvent.findFirst({
    where: { subjectId: restoreId, type: `restore.${type}`, position: { gt: position } },
    orderBy: { position: 'desc' },
  });

export const recordChapter = (db: Database, { restoreId }: Life, type: Chapter, data: Record<string, unknown>) =>
  recordEvent(db, contextOfRestore(restoreId), {
    type: `restore.${type}`,
    subject: 'restore',
    subjectId: restoreId,
    data,
  });

export async function requireLife(db: Database): Promise<Life> {
  const life = await readLife(db);
  if (!life) throw new NoNewLife();
  return life;
}

/** The highest generation in the records of restores and adoptions. Throws ForeignObject: one of theirs could be any number. */
async function highestGeneration(backups: SignedStore): Promise<number> {
  const lives = [...(await listRecords(backups)), ...(await listAdoptions(backups))];
  return Math.max(0, ...lives.map(({ generation }) => generation));
}
