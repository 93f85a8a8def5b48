// Reads every row of every table that the catalogue names, as one moment saw them, value by value: what is JSON is decoded first.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { BORDER } from '../../personal-data/addresses/stretches';
import { isAddressColumn, isTextColumn } from '../../personal-data/text-places';
import { stringsIn } from '../../personal-data/text-values';
import type { ScanChunk, ScanSource } from '../report';

/** They may have 2 MiB each. */
const ROWS = 50;
const SEPARATOR = Buffer.from(`${BORDER}\n`);
const DECOYS = 'scan_decoys';

export function createPostgresSource(connectionString: string): ScanSource {
  async function withClient<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = await connect(connectionString);
    return work(client).finally(() => client.end());
  }

  return {
    name: 'postgres',
    async plant(decoy) {
      const id = randomUUID();
      await withClient(async (client) => {
        // Of a scan that was cut off.
        await client.query(`DELETE FROM ${DECOYS}`);
        await client.query(`INSERT INTO ${DECOYS} VALUES ($1, $2, $3, $4)`, [
          ...[id, `a word\n${decoy}`, JSON.stringify({ [`about ${decoy}`]: `a line\n${decoy}` })],
          Buffer.from(`to ${decoy}`),
        ]);
      });
      return {
        places: new Map([[DECOYS, 4]]),
        items: 0,
        remove: () =>
          withClient(async (client) => void (await client.query(`DELETE FROM ${DECOYS} WHERE id = $1`, [id]))),
      };
    },
    async *read() {
      const client = await connect(connectionString);
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

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, application_name: 'countersign scan' });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function* rowsOf(client: pg.Client, table: string): AsyncIterable<ScanChunk> {
  await client.query(`DECLARE rows NO SCROLL CURSOR FOR SELECT * FROM public.${pg.escapeIdentifier(table)}`);
  for (;;) {
    const { rows, fields } = await client.query<unknown[]>({ text: `FETCH ${ROWS} FROM rows`, rowMode: 'array' });
    if (rows.length === 0) break;
    const parts: Uint8Array[] = [];
    const written: Uint8Array[] = [];
    for (const row of rows) {
      for (const [n, value] of row.entries()) {
        const column = fields[n]?.name ?? '';
        if (typeof value === 'string' && isAddressColumn(table, column) && isBare(value)) yield { address: value };
        else for (const bytes of bytesOf(value)) (isTextColumn(table, column) ? written : parts).push(bytes, SEPARATOR);
      }
    }
    if (written.length > 0) yield { written: Buffer.concat(written) };
    yield Buffer.concat(parts);
  }
  await client.query('CLOSE rows');
}

const isBare = (value: string) => /^[^\s@]+@[^\s@]+$/.test(value);

/** Texts, bytes, and what arrays and JSON are made of. Numbers and times hold nobody. */
function* bytesOf(value: unknown): Iterable<Uint8Array> {
  if (value instanceof Uint8Array) yield value;
  else if (value instanceof Date) return;
  else if (Array.isArray(value)) for (const one of value) yield* bytesOf(one);
  else for (const text of stringsIn(value)) yield Buffer.from(text);
}
