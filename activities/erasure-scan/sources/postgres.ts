// Reads every row of every table that the catalogue names, as one moment saw them, value by value: what is JSON is decoded first.
import pg from 'pg';
import { UUID, uuidv7 } from 'uuidv7';
import { BORDER } from '../../personal-data/addresses/stretches';
import { isBareAddress } from '../../personal-data/subject';
import { isAddressColumn, isTextColumn } from '../../personal-data/text-places';
import { stringsIn } from '../../personal-data/text-values';
import type { ScanChunk, ScanSource } from '../report';
import { copyRows, elementsOf } from './copied-rows';

const SEPARATOR = Buffer.from(`${BORDER}\n`);
const DECOYS = 'scan_decoys';
const GATHERED_BYTES = 1024 * 1024;
const CUT_OFF_AFTER_MS = 24 * 3_600_000;

export function createPostgresSource(connectionString: string): ScanSource {
  async function withClient<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = await connect(connectionString);
    return work(client).finally(() => client.end());
  }

  return {
    name: 'postgres',
    async plant(decoy) {
      const id = uuidv7();
      await withClient(async (client) => {
        // A scan that was cut off leaves its decoy behind. A recent one may belong to a scan that runs.
        await client.query(`DELETE FROM ${DECOYS} WHERE id < $1`, [
          UUID.fromFieldsV7(Date.now() - CUT_OFF_AFTER_MS, 0, 0, 0).toString(),
        ]);
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

interface Column {
  name: string;
  type: string;
  /** As pg_type has it: A arrays, B booleans, D and T times, N numbers, S strings, U others. */
  category: string;
}

/** These hold nobody. */
const EMPTY_CATEGORIES = 'BDTN';
const EMPTY_TYPES = ['uuid'];
const BYTES_ARRAY = '_bytea';

async function* rowsOf(client: pg.Client, table: string): AsyncIterable<ScanChunk> {
  const { rows: all } = await client.query<Column>(
    `SELECT a.attname AS name, t.typname AS type, t.typcategory AS category FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [`public.${pg.escapeIdentifier(table)}`],
  );
  const columns = all.filter(
    ({ type, category }) => !EMPTY_CATEGORIES.includes(category) && !EMPTY_TYPES.includes(type),
  );
  if (columns.length === 0) return;
  let parts: Uint8Array[] = [];
  let written: Uint8Array[] = [];
  let addresses: string[] = [];
  let size = 0;
  function* gathered(): Iterable<ScanChunk> {
    for (const address of addresses) yield { address };
    if (written.length > 0) yield { written: Buffer.concat(written) };
    if (parts.length > 0) yield Buffer.concat(parts);
    [parts, written, addresses, size] = [[], [], [], 0];
  }
  const readers = columns.map(({ name, type, category }) => {
    const put = (bytes: Uint8Array) => {
      size += bytes.length;
      (isTextColumn(table, name) ? written : parts).push(bytes, SEPARATOR);
    };
    if (isAddressColumn(table, name)) {
      return (bytes: Buffer) => {
        const text = bytes.toString();
        if (!isBareAddress(text)) return put(bytes);
        size += bytes.length;
        addresses.push(text);
      };
    }
    const values = valuesOf(type, category);
    return (bytes: Buffer) => {
      for (const value of values(bytes)) put(value);
    };
  });
  const select = `SELECT ${columns.map(selected).join(', ')} FROM public.${pg.escapeIdentifier(table)}`;
  for await (const _ of copyRows(client, select, (column, bytes) => readers[column]?.(bytes))) {
    // A question for the thread each few rows would cost more than the search.
    if (size >= GATHERED_BYTES) yield* gathered();
  }
  yield* gathered();
}

/** Bytes as bytes; everything else as text, arrays as JSON. */
function selected({ name, type, category }: Column): string {
  const column = pg.escapeIdentifier(name);
  if (type === 'bytea' || type === BYTES_ARRAY) return column;
  return category === 'A' ? `to_jsonb(${column})::text` : `${column}::text`;
}

function valuesOf(type: string, category: string): (bytes: Buffer) => Iterable<Uint8Array> {
  if (type === BYTES_ARRAY) return elementsOf;
  return type === 'json' || type === 'jsonb' || category === 'A' ? jsonValues : (bytes) => [bytes];
}

/** By value where something is escaped; else each string stands in quotes as it is. */
function* jsonValues(bytes: Buffer): Iterable<Uint8Array> {
  if (!bytes.includes('\\')) yield bytes;
  else for (const text of stringsIn(JSON.parse(bytes.toString()))) yield Buffer.from(text);
}
