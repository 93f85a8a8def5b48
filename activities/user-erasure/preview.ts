// Asks every store what an erasure would do there, and writes the answers into its row.
import type { Database, Prisma } from '../../prisma/client';
import type { CommandContext } from '../commands/context';
import type { Subjects } from '../personal-data/subject';
import { changeErasure } from './change-erasure';
import { type ErasureRecord, type PreviewEntry, readErasure, unsealSubject } from './erasure-record';
import { previewStores } from './stores/registry';
import { NOTHING, type PersonalDataStore } from './stores/store';

export interface PreviewDependencies {
  db: Database;
  subjects: Subjects;
  stores: readonly PersonalDataStore[];
}

export function createPreview({ db, subjects, stores }: PreviewDependencies) {
  /** The first answer stands: a repeat, and one that comes after the erasure has begun, change nothing. */
  const write = (id: string, context: CommandContext, entries: PreviewEntry[]) =>
    changeErasure(db, context, id, ({ status, preview }) =>
      status === 'waiting' && preview === null
        ? { data: { preview: entries as unknown as Prisma.InputJsonArray }, event: 'erasure.previewed' }
        : null,
    );

  return {
    /** Null: its row is gone. Throws where PostgreSQL does not answer; any other store may be away. */
    async previewErasure(id: string, context: CommandContext): Promise<ErasureRecord | null> {
      const record = await readErasure(db, id);
      const subject = record && unsealSubject(subjects, record);
      if (!subject || record.status !== 'waiting' || record.preview !== null) return record;
      return write(id, context, await previewStores(stores, subject.person));
    },

    skipPreview: (id: string, context: CommandContext): Promise<ErasureRecord | null> =>
      write(
        id,
        context,
        stores.map(({ name }) => ({ ...NOTHING, store: name, ground: 'unavailable' as const })),
      ),
  };
}
