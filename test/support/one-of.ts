import { draw } from './long-proofs.cjs';

/** Of so many long proofs in a file a run that takes samples holds one; any other holds all. Used like `it`. */
export function oneOf(count: number) {
  const sample = process.env.COUNTERSIGN_TEST_SAMPLE;
  const drawn = sample ? draw(sample, `one of ${count}`, count) : null;
  let given = 0;
  afterAll(() => {
    if (given !== count) throw new Error(`One of ${count} proofs was to be drawn, of ${given} that are there`);
  });
  return function proof(name: string, prove: () => Promise<unknown>, withinMs?: number): void {
    if (drawn === null || drawn === given) it(name, prove, withinMs);
    given += 1;
  };
}
