// The matcher's work grows with the size of a text, never with its square, whatever an author writes.
import { findAddresses } from '../../activities/personal-data/addresses/find-addresses';
import { HOSTILE_TEXTS } from './hostile-texts';

const SMALL = 40 * 1024;
const TIMES = 4;
/** Linear work takes four times as long; its square sixteen times. */
const LIMIT = 8;
/** What takes less is noise. */
const MEASURABLE_MS = 8;
const MOST_TRIES = 6;

/** Processor time, which other programs on the machine do not lengthen. */
function timeOf(text: string): number {
  const before = process.cpuUsage();
  findAddresses(text, () => {});
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

it.each(HOSTILE_TEXTS)('takes time in proportion to the size of %s', (_name, textOf) => {
  const [small, large] = [textOf(SMALL), textOf(TIMES * SMALL)];
  let [least, most] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let n = 0; n < MOST_TRIES; n++) {
    least = Math.min(least, timeOf(small));
    most = Math.min(most, timeOf(large));
    if (most < LIMIT * Math.max(least, MEASURABLE_MS)) return;
  }
  throw new Error(`${TIMES} times the size took ${Math.round(most)} ms instead of ${Math.round(least)} ms`);
});
