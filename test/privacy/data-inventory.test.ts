import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFaults, readModels } from '../../ops/privacy/inventory-faults';
import { Prisma } from '../../prisma/client';
import { newFolder } from '../support/environment';

const ROOT = join(__dirname, '..', '..');
const SCHEMA = readFileSync(join(ROOT, 'prisma/schema.prisma'), 'utf8');
const ENVIRONMENT = readFileSync(join(ROOT, '.env.example'), 'utf8');
const PAGE = 'docs/data-inventory.md';

/** The check, in a folder that holds what it reads. */
function check(folder: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const command = ['--require', require.resolve('tsx/cjs'), join(ROOT, 'ops/privacy/check.ts'), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    );
  });
}

let folder: string;
beforeEach(() => {
  folder = newFolder('inventory');
  for (const file of ['prisma/schema.prisma', '.env.example', PAGE]) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    copyFileSync(join(ROOT, file), join(folder, file));
  }
});

const change = (file: string, from: string, to: string) => {
  const text = readFileSync(join(folder, file), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(folder, file), text.replace(from, to));
};

describe('npm run check:pii', () => {
  it('passes for what is there', async () => {
    expect(await check(ROOT)).toMatchObject({ code: 0 });
    expect(await check(folder)).toMatchObject({ code: 0 });
  });

  it('fails for a new column, and names it', async () => {
    change('prisma/schema.prisma', '  replyTo  ', '  shoeSize Int?\n  replyTo  ');
    const { code, output } = await check(folder);
    expect([code, output]).toEqual([1, expect.stringContaining('Draft.shoeSize has no class')]);
  });

  it('fails for a page that is out of date, until it is written anew', async () => {
    change(PAGE, '| content |', '| none |');
    const { code, output } = await check(folder);
    expect([code, output]).toEqual([1, expect.stringContaining(`${PAGE} is out of date`)]);
    expect(await check(folder, '--write')).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, PAGE), 'utf8')).toBe(readFileSync(join(ROOT, PAGE), 'utf8'));
  });

  it('names a new table, a column that is gone, a new store and one that is gone', () => {
    const table = `${SCHEMA}\nmodel Shoe {\n  id Int @id\n  draft Draft @relation(fields: [id], references: [id])\n}\n`;
    expect(findFaults(table, ENVIRONMENT)).toEqual(['Shoe.id has no class']);
    expect(findFaults(SCHEMA.replace(/^ {2}campaign .*\n/m, ''), ENVIRONMENT)).toEqual([
      'Draft.campaign is classified and not there',
    ]);
    expect(findFaults(SCHEMA, `${ENVIRONMENT}\n# SHOES_URL=https://shoes.example.com\n`)).toEqual([
      'SHOES_URL leads to a store that has no class',
    ]);
    expect(findFaults(SCHEMA, ENVIRONMENT.replace(/^.*REDIS_URL=.*$/m, ''))).toEqual([
      'REDIS_URL is named by a store and is no setting',
    ]);
  });

  it('reads the same columns from the schema as Prisma does', () => {
    const models = Object.values(Prisma.ModelName).sort();
    const read = readModels(SCHEMA);
    expect([...read.keys()].sort()).toEqual(models);
    for (const model of models) {
      const columns = Object.keys(Prisma[`${model}ScalarFieldEnum`]);
      expect([model, read.get(model)]).toEqual([model, columns]);
    }
  });
});
