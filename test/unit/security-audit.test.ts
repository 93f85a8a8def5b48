// Holds docs/SECURITY_AUDIT.md to the tests that it names: a control whose test is gone or renamed must not look tested.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';

interface Named {
  /** A test file, or a folder of them. */
  place: string;
  /** A part of a title; null where the page names the place alone. */
  title: string | null;
}

/** Returns what a page names: in each paragraph or table row, a place in backticks and the titles in italics after it. */
function readNamed(page: string): Named[] {
  return page
    .replace(/\*\*/g, '')
    .split(/\n\n|\n(?=\|)/)
    .flatMap((block) => {
      let place: string | null = null;
      return [...block.matchAll(/`(test\/[^`]*)`|\*([^*]+)\*/g)].flatMap(([, named, title]): Named[] => {
        if (named) place = named;
        return place ? [{ place, title: title?.replace(/\s+/g, ' ') ?? null }] : [];
      });
    });
}

/** Returns the titles in a test file: what `it`, `test`, `describe`, a table of them, or one of `oneOf` is called. */
function titlesIn(source: string): string[] {
  const drawn = [...source.matchAll(/const (\w+) = oneOf\(/g)].map(([, name]) => name);
  const call = new RegExp(
    `(?:\\)|\\b(?:it|test|describe|${['proof', ...drawn].join('|')}))\\(\\s*(['"\`])(.*?)(?<!\\\\)\\1,`,
    'gs',
  );
  return [...source.matchAll(call)].map(([, , title = '']) => title.replace(/\\(.)/g, '$1'));
}

function filesOf(place: string): string[] {
  const path = join(PACKAGE_ROOT, place);
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(path, name));
}

const isThere = ({ place, title }: Named) => {
  const files = filesOf(place);
  if (title === null) return files.length > 0;
  return files.flatMap((file) => titlesIn(readFileSync(file, 'utf8'))).some((one) => one.includes(title));
};

it('every test that the security audit names is there under its title', () => {
  const named = readNamed(readFileSync(join(PACKAGE_ROOT, 'docs/SECURITY_AUDIT.md'), 'utf8'));
  expect(named.filter(({ title }) => title !== null).length).toBeGreaterThan(150);
  expect(named.filter((one) => !isThere(one))).toEqual([]);
});

it('the security audit names no test that only the long run holds', () => {
  const named = readNamed(readFileSync(join(PACKAGE_ROOT, 'docs/SECURITY_AUDIT.md'), 'utf8'));
  expect(named.filter(({ place }) => place.includes('.long.'))).toEqual([]);
});

it.each([
  ['a title that the file lacks', '| x | `test/unit/page.test.ts`: *is nowhere in that file* |'],
  ['a file that is gone', '| x | `test/unit/gone.test.ts`: *is there* |'],
  ['a folder that is gone', '`test/gone/` for each store'],
  ['what is no title', '`test/local/start.test.ts`: *it is ready*'],
])('notices %s', (_, page) => {
  const named = readNamed(page);
  expect(named.length).toBeGreaterThan(0);
  expect(named.every(isThere)).toBe(false);
});
