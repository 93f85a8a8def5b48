// A restore that is settled: it replaced the first cluster of an installation.
import { uuidv7 } from 'uuidv7';
import type { RestoreRecord } from '../../activities/restore/records';

export const aRestore = (changes: Partial<RestoreRecord> = {}): RestoreRecord => ({
  id: uuidv7(),
  at: '2026-01-03T00:00:00.000Z',
  state: 'accepted',
  setId: '20260102T000000Z',
  target: 'set',
  generation: 2,
  timeline: 2,
  previousTimeline: 1,
  cluster: 'data-01a211f1-2c0b-72b0-93ff-038c9af39e5a',
  previous: 'data',
  head: { position: '1', hash: '' },
  ...changes,
});
