// Reads the whole schema of a database as SQL, so that two of them can be compared.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Returns what pg_dump writes of it: every object with its owner and rights. Rows and the record of migrations are left out. */
export async function readSchema(url: string): Promise<string> {
  const { stdout } = await run('pg_dump', ['--schema-only', '--exclude-table=_prisma_migrations', url]);
  // Newer ones protect psql by a word that chance draws.
  return stdout.replace(/^\\(un)?restrict .*$/gm, '');
}
