// The activities of an export (workflows/person-export.ts). Histories hear ids and codes; null says that the row is gone: a
// restore of the database has undone the request.
import { randomUUID } from 'node:crypto';
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { Database } from '../../prisma/client';
import type { FailedExport, PersonExportState } from '../../workflows/contracts/person-export';
import { beating } from '../beating';
import { recordEvent } from '../commands/audit';
import type { Subjects } from '../personal-data/subject';
import type { PersonalDataStore } from '../user-erasure/stores/store';
import { putDocument } from './content';
import { isOvertaken } from './copies';
import { documentOf } from './document';
import { type ExportRecord, readExport, type SealedExport, toState } from './export-record';
import { exportKey, failPending, removeUnnamedExports } from './removal';
import { createTurns } from './turns';

/** How long a document can be read. */
const KEPT_HOURS = 24;
const LOOKS_EACH_MS = 1_000;
/** In one worker: each holds a few large texts in memory, and takes time from the mail. */
const AT_ONCE = 2;

export interface PersonExportDependencies {
  db: Database;
  files: ObjectStore;
  subjects: Subjects;
  stores: readonly PersonalDataStore[];
}

export interface PersonExportActivities {
  readExportState(id: string): Promise<PersonExportState | null>;
  /** Idempotent: each attempt writes an object of its own, and one of them becomes the export's. */
  writeExport(id: string): Promise<PersonExportState | null>;
  failExport(failed: FailedExport): Promise<PersonExportState | null>;
}

/** The export ended while its document was being written: the person is being erased, or the export was cancelled. */
class ExportEnded extends Error {
  override name = 'ExportEnded';
}

export function createPersonExportActivities({
  db,
  files,
  subjects,
  stores,
}: PersonExportDependencies): PersonExportActivities {
  const inTurn = createTurns(AT_ONCE);
  const readState = async (id: string): Promise<PersonExportState | null> => {
    const record = await readExport(db, id);
    return record && toState(record);
  };

  async function write(record: ExportRecord, sealed: SealedExport, beat: () => void): Promise<void> {
    const { id, subjectHashes: hashes } = record;
    let items = 0;
    let looked = Date.now();
    async function beforeItem(): Promise<void> {
      items += 1;
      beat();
      if (Date.now() - looked < LOOKS_EACH_MS) return;
      looked = Date.now();
      if ((await readState(id))?.status !== 'pending') throw new ExportEnded();
    }
    const person = { email: sealed.email ?? '', hashes, requestId: id };
    const object = randomUUID();
    const document = documentOf(stores, person, beforeItem);
    const size = await putDocument(files, { id, object, key: sealed.key }, document);
    const isFinished = await finish(record, sealed, { object, size, items });
    if (!isFinished) await files.delete(exportKey(id, object));
  }

  /** From here on the row no longer says whom it is about. Nothing changes where the export has ended meanwhile, or where somebody
   *  has been erased whom the document may still mention. */
  async function finish(
    { id, requestedBy, now: begunAt }: ExportRecord,
    { key }: SealedExport,
    { object, size, items }: { object: string; size: number; items: number },
  ): Promise<boolean> {
    return db.$transaction(async (transaction) => {
      const tx = transaction as Database;
      if (await isOvertaken(tx, begunAt)) return false;
      const finished = await tx.$executeRaw`
        UPDATE person_exports SET status = 'ready', version = version + 1, sealed = ${subjects.seal({ key })}, object = ${object}::uuid,
          size = ${size}, items = ${items}, expires_at = clock_timestamp() + make_interval(hours => ${KEPT_HOURS})
        WHERE id = ${id}::uuid AND status = 'pending'`;
      if (finished === 0) return false;
      const context = { actor: { id: requestedBy, name: '', roles: [] }, requestId: id };
      await recordEvent(tx, context, { type: 'person.exported', subject: 'person', data: { items } });
      return true;
    });
  }

  async function writeUntilReady(id: string, beat: () => void): Promise<PersonExportState | null> {
    // Again where an erasure has overtaken it.
    for (let record = await readExport(db, id); isPending(record); record = await readExport(db, id)) {
      beat();
      const sealed = subjects.unseal<SealedExport>(record.sealed);
      await write(record, sealed, beat).catch((error) => {
        if (!(error instanceof ExportEnded)) throw error;
      });
    }
    // What this attempt and those before it left behind.
    await removeUnnamedExports(db, files, id);
    return readState(id);
  }

  return {
    readExportState: readState,

    writeExport: (id) => beating((beat) => inTurn(() => writeUntilReady(id, beat))),

    async failExport({ exportId, code }) {
      await failPending(db, exportId, code);
      return readState(exportId);
    },
  };
}

type PendingExport = ExportRecord & { sealed: Uint8Array };
const isPending = (record: ExportRecord | null): record is PendingExport =>
  record?.status === 'pending' && record.sealed !== null;
