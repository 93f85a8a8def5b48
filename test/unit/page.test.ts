import { z } from 'zod';
import { pageOfIds, readCursor } from '../../api/schemas/page';

const IDS = ['f', 'e', 'd', 'c', 'b', 'a'];

/** All pages, one after the other, as somebody who follows the cursors gets them. */
async function follow(ids: string[], limit: number, read: (id: string) => Promise<string | null>): Promise<string[][]> {
  const pages: string[][] = [];
  let before: string | undefined;
  for (;;) {
    const { items, nextCursor } = await pageOfIds(ids, { before, limit }, read);
    pages.push(items);
    if (nextCursor === null) return pages;
    before = readCursor(nextCursor, z.string());
  }
}

it('gives every id once, in order, and no empty page at the end', async () => {
  expect(await follow(IDS, 2, async (id) => id)).toEqual([
    ['f', 'e'],
    ['d', 'c'],
    ['b', 'a'],
  ]);
  expect(await follow(IDS, 4, async (id) => id)).toEqual([
    ['f', 'e', 'd', 'c'],
    ['b', 'a'],
  ]);
  expect(await follow([], 4, async (id) => id)).toEqual([[]]);
});

it('goes on past what is gone by the time it is read', async () => {
  const gone = ['f', 'e', 'c'];
  expect(await follow(IDS, 2, async (id) => (gone.includes(id) ? null : id))).toEqual([[], ['d'], ['b', 'a']]);
});

it('reads no more than it gives', async () => {
  const read: string[] = [];
  await pageOfIds(IDS, { before: 'f', limit: 2 }, async (id) => read.push(id));
  expect(read).toEqual(['e', 'd']);
});
