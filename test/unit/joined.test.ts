import { joined } from '../../ops/runtime/joined';
import { deferred } from '../support/deferred';

function controlled() {
  const runs: { keys: readonly string[]; answer: ReturnType<typeof deferred<string[]>> }[] = [];
  const load = joined((keys: readonly string[]) => {
    const answer = deferred<string[]>();
    runs.push({ keys, answer });
    return answer.promise;
  });
  return { runs, load };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('joined statements', () => {
  it('send what is asked for while one is under way together, as the next', async () => {
    const { runs, load } = controlled();
    const first = load('a');
    await settled();
    const rest = [load('b'), load('c')];
    await settled();
    expect(runs.map(({ keys }) => keys)).toEqual([['a']]);
    runs[0]?.answer.resolve(['A']);
    await settled();
    expect(runs.map(({ keys }) => keys)).toEqual([['a'], ['b', 'c']]);
    runs[1]?.answer.resolve(['B', 'C']);
    expect(await Promise.all([first, ...rest])).toEqual(['A', 'B', 'C']);
  });

  it('fail together, and go on afterwards', async () => {
    const { runs, load } = controlled();
    const both = Promise.allSettled([load('a'), load('b')]);
    await settled();
    runs[0]?.answer.reject(new Error('away'));
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = load('c');
    await settled();
    runs[1]?.answer.resolve(['C']);
    expect(await next).toBe('C');
  });
});
