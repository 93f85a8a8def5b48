// `npm run check:pii`: fails where something is held that the inventory does not know, or the other way round, and where
// docs/data-inventory.md is not what the inventory says; `--write` renews the page. Needs no database and no build.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { findFaults } from './inventory-faults';
import { renderPage } from './inventory-page';

const PAGE = 'docs/data-inventory.md';
const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '');

const faults = findFaults(read('prisma/schema.prisma'), read('.env.example')).map(
  (fault) => `${fault}: see to it in prisma/data-inventory.ts`,
);
const page = renderPage();
if (process.argv.includes('--write')) writeFileSync(PAGE, page);
if (read(PAGE) !== page) faults.push(`${PAGE} is out of date: npm run check:pii -- --write`);

for (const fault of faults) console.error(fault);
if (faults.length === 0) console.log(`Every column and every store is classified; ${PAGE} says so.`);
process.exitCode = faults.length === 0 ? 0 : 1;
