// What the Web UI shows of an erasure.
import type { ErasureState } from './contracts/user-erasure';

const MEANING: Record<ErasureState['status'], string> = {
  waiting:
    'Waits for an admin to confirm it, or for the grace period to end. Nothing is sent to this person meanwhile.',
  erasing: 'Goes through the stores.',
  scanning: 'Looks for what is left.',
  certified: 'Done and certified.',
  cancelled: 'Cancelled before it began.',
  suspended: 'A legal hold withholds a part; it goes on when that is released.',
  failed:
    'The scan still found something after several rounds. **A person has to look:** docs/runbooks/erasure-request.md.',
};

/** Its row is not there. */
export const GONE = '**gone**: a restore of the database has undone this request. It has to be made again.';

export const describeErasure = ({ status, graceUntil, deadline }: ErasureState) =>
  [
    `**${status}**: ${MEANING[status]}`,
    '',
    `- Begins by itself: ${graceUntil}`,
    `- The law wants it done by: ${deadline}`,
  ].join('\n');
