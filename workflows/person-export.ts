// The export of everything held about one person, until its document is ready or has failed. When it expires, the hourly sweep
// removes it.
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { PersonExportActivities } from '../activities/person-export';
import { changed, type PersonExportInput, type PersonExportState, state } from './contracts/person-export';
import { DATABASE_STEP, EXPORT } from './profiles';

const { readExportState, failExport } = proxyLocalActivities<PersonExportActivities>(DATABASE_STEP);
const { writeExport } = proxyActivities<PersonExportActivities>(EXPORT);

export async function personExport({ exportId }: PersonExportInput): Promise<PersonExportState['status'] | 'gone'> {
  let known: PersonExportState | null = null;
  setHandler(changed, () => {});
  setHandler(state, () => known);

  known = await readExportState(exportId);
  setCurrentDetails(describe(known));
  if (known?.status === 'pending') known = await write(exportId);
  setCurrentDetails(describe(known));
  return known?.status ?? 'gone';
}

/** Half of a document would look like all of it: an export that can't be completed has failed. */
async function write(exportId: string): Promise<PersonExportState | null> {
  try {
    return await writeExport(exportId);
  } catch (error) {
    const code = isCancellation(error) ? 'cancelled' : codeOf(error);
    const failed = await CancellationScope.nonCancellable(() => failExport({ exportId, code }));
    if (isCancellation(error)) throw error;
    return failed;
  }
}

/** Of the last attempt, which said it as its message (worker/failure-codes.ts). */
function codeOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.message ? cause.message : 'timed_out';
}

const MEANING: Record<PersonExportState['status'], string> = {
  pending: 'The worker writes the document, a store after the other.',
  ready: 'The document can be read until it expires.',
  failed: 'A store did not answer for too long. Ask for another export.',
  expired: 'The document is gone.',
  erased: 'The person is being erased, and the document is gone.',
};

/** For the Web UI. Without a row, a restore of the database has undone the request. */
const describe = (known: PersonExportState | null) =>
  known ? `**${known.status}**: ${MEANING[known.status]}` : '**gone**: a restore of the database has undone it.';
