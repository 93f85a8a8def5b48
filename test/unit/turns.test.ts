import { createTurns } from '../../activities/person-export/turns';

it('no more than so many work at once, in the order in which they came, and one that fails hands its turn on', async () => {
  const inTurn = createTurns(2);
  const begun: number[] = [];
  let [active, most] = [0, 0];
  const works = Array.from({ length: 9 }, (_, i) =>
    inTurn(async () => {
      begun.push(i);
      most = Math.max(most, ++active);
      await new Promise(setImmediate);
      active -= 1;
      if (i % 3 === 0) throw new Error(`${i} fails`);
      return i;
    }),
  );
  const ends = await Promise.allSettled(works);
  expect(ends.map(({ status }) => status === 'fulfilled')).toEqual(works.map((_, i) => i % 3 !== 0));
  expect([most, begun]).toEqual([2, works.map((_, i) => i)]);
  expect(await inTurn(async () => 'again')).toBe('again');
});
