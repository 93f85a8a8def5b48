// Every row of every table that the catalogue names, as one moment saw them; bytes as bytes, everything else as text.
import pg from 'pg';
import type { ScanSource } from '../report';

const ROWS = 500;
const BYTEA = /\\+x((?:[0-9a-f]{2})+)/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a row is text, whatever its characters are.
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

export function createPostgresSource(connectionString: string): ScanSource {
  return {
    name: 'postgres',
    async *read() {
      const client = new pg.Client({ connectionString, application_name: 'countersign scan' });
      client.on('error', () => {});
      await client.connect();
      try {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
        // A parent of partitions holds nothing itself.
        const { rows: tables } = await client.query<{ name: string }>(
          `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = 'public' AND c.relkind IN ('r', 'm') ORDER BY c.relname`,
        );
        for (const { name } of tables) yield { place: name, chunks: rowsOf(client, name) };
      } finally {
        await client.end();
      }
    },
  };
}

async function* rowsOf(client: pg.Client, table: string): AsyncIterable<Uint8Array> {
  const quoted = pg.escapeIdentifier(table);
  await client.query(`DECLARE rows NO SCROLL CURSOR FOR SELECT t::text AS row FROM public.${quoted} t`);
  for (;;) {
    const { rows } = await client.query<{ row: string }>(`FETCH ${ROWS} FROM rows`);
    if (rows.length === 0) break;
    for (const { row } of rows) {
      yield Buffer.from(`${row.replace(CONTROL, ' ')}\n`);
      for (const [, hex = ''] of row.matchAll(BYTEA)) yield Buffer.from(`${hex}0a`, 'hex');
    }
  }
  await client.query('CLOSE rows');
}
