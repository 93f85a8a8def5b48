// The export of everything held about a person, as an admin asks for it.
import { randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import type { Database } from '../../prisma/client';
import { writeMessage } from '../outbox/outbox';
import { type ExportRecord, type ExportView, readExport, toState, toView } from '../person-export/export-record';
import { createSubjects, normaliseAddress } from '../personal-data/subject';
import { readErasure } from '../user-erasure/erasure-record';
import type { CommandContext, CommandDependencies } from './context';
import { findActive } from './erasures';
import { Refusal } from './refusal';

const KEY_BYTES = 32;

export interface ExportCommands {
  /** The worker prepares it. Refuses `wrong_state` while the person is being erased. */
  requestExport(context: CommandContext, input: { email: string }): Promise<ExportView>;
}

export function createExportCommands({ db, announce, settings }: CommandDependencies): ExportCommands {
  const subjects = createSubjects(settings.SECRET_KEY);
  return {
    async requestExport(context, { email }) {
      const hashes = subjects.hashesOf(email);
      const key = randomBytes(KEY_BYTES).toString('base64');
      const sealed = subjects.seal({ email: normaliseAddress(email), key });
      const record = await db.$transaction(async (transaction) => {
        const tx = transaction as Database;
        await refuseWhileErased(tx, hashes);
        const id = uuidv7();
        await tx.$executeRaw`
          INSERT INTO person_exports (id, status, subject_hashes, sealed, requested_by, created_at)
          VALUES (${id}::uuid, 'pending', ${hashes}, ${sealed}, ${context.actor.id}::uuid, date_trunc('milliseconds', clock_timestamp()))`;
        const made = (await readExport(tx, id)) as ExportRecord;
        await writeMessage(tx, { process: 'personExport', entityId: id, state: toState(made) });
        return made;
      });
      announce({ told: true });
      return toView(record);
    },
  };
}

/** An erasure ends exports as it begins. With its row locked none begins until this export can be seen, and one that is under
 *  way lets no new copy be made of what it removes. */
async function refuseWhileErased(tx: Database, hashes: Uint8Array[]): Promise<void> {
  const active = await findActive(tx, hashes);
  const erasure = active && (await readErasure(tx, active.id, { lock: true }));
  if (erasure?.status !== 'erasing' && erasure?.status !== 'scanning') return;
  throw new Refusal(
    'wrong_state',
    'An export would copy what is being removed: an erasure of this person is under way. Wait until it has ended, and export what is left.',
  );
}
