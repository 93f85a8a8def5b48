import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { drawLongProofs, LONG_PROOFS } from '../support/long-proofs.cjs';

const kinds = Object.values(LONG_PROOFS);

it('names files that are there, each once', () => {
  const files = kinds.flat();
  expect(files.filter((file) => !existsSync(join(__dirname, '..', `${file}.test.ts`)))).toEqual([]);
  expect(new Set(files).size).toBe(files.length);
});

it('draws one of each kind, the same for the same number, and leaves out the others', () => {
  const { held, leftOut } = drawLongProofs('4711');
  expect(held.map((file, i) => kinds[i]?.includes(file))).toEqual(kinds.map(() => true));
  expect([...held, ...leftOut].sort()).toEqual(kinds.flat().sort());
  expect(drawLongProofs('4711')).toEqual({ held, leftOut });
});

it('leaves none out for long', () => {
  const held = new Set(Array.from({ length: 100 }, (_, sample) => drawLongProofs(String(sample)).held).flat());
  expect([...held].sort()).toEqual(kinds.flat().sort());
});
