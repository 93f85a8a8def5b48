// Finds every column of the database that can hold text, by PostgreSQL's catalogue, and plants text in it.
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type pg from 'pg';

export interface TextColumn {
  table: string;
  column: string;
  isArray: boolean;
  isJson: boolean;
}

/**
 * Returns the columns of the schema `public` whose type is text, JSON or an array of either. Columns of bytes are left out:
 * they hold hashes, signatures and ciphertext. Of the table in which Prisma records migrations it returns the logs, which
 * may quote a row: the rest are names of our own folders.
 */
export async function readTextColumns(pool: pg.Pool): Promise<TextColumn[]> {
  const { rows } = await pool.query<TextColumn>(`
    SELECT c.relname AS table, a.attname AS column, e.oid IS NOT NULL AS "isArray",
      coalesce(e.typname, t.typname) IN ('json', 'jsonb') AS "isJson"
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND (c.relname <> '_prisma_migrations' OR a.attname = 'logs')
      AND a.attnum > 0 AND NOT a.attisdropped
      AND (coalesce(e.typcategory, t.typcategory) = 'S' OR coalesce(e.typname, t.typname) IN ('json', 'jsonb', 'xml'))
    ORDER BY 1, 2`);
  return rows;
}

/**
 * Plants the text in a copy of the table's first row; in that row itself where the table takes no second one.
 * @returns whether PostgreSQL took it: a check or a foreign key may refuse it
 * @throws where PostgreSQL refuses the copy whatever it says, so that a refusal would mean nothing
 */
export async function plantIn(pool: pg.Pool, one: TextColumn, text: string): Promise<boolean> {
  const words = one.isJson ? { [text]: [text] } : text;
  const planted = { [one.column]: one.isArray ? [words] : words };
  const keys = await freshKeys(pool, one.table);
  for (const write of [copyFirstRow, changeFirstRow]) {
    const isSound = await tryTo(pool, (client) => write(client, one, keys), 'ROLLBACK');
    if (isSound) return tryTo(pool, (client) => write(client, one, { ...keys, ...planted }), 'COMMIT');
  }
  throw new Error(`${one.table} has no row that can be copied: plant one before this column is tried`);
}

type Values = Record<string, unknown>;

async function copyFirstRow(client: pg.PoolClient, { table }: TextColumn, values: Values): Promise<number> {
  const copy = `SELECT r.* FROM "${table}" t, jsonb_populate_record(t, $1::jsonb) r ORDER BY t.ctid LIMIT 1`;
  const { rowCount } = await client.query(`INSERT INTO "${table}" ${copy}`, [JSON.stringify(values)]);
  return rowCount ?? 0;
}

async function changeFirstRow(client: pg.PoolClient, { table, column }: TextColumn, values: Values): Promise<number> {
  const { rowCount } = await client.query(
    `UPDATE "${table}" t SET "${column}" = (jsonb_populate_record(t, $1::jsonb))."${column}"
     WHERE ctid = (SELECT min(ctid) FROM "${table}")`,
    [JSON.stringify(column in values ? { [column]: values[column] } : {})],
  );
  return rowCount ?? 0;
}

const REFUSED = /^(22|23|42501)/;

async function tryTo(
  pool: pg.Pool,
  write: (client: pg.PoolClient) => Promise<number>,
  end: 'COMMIT' | 'ROLLBACK',
): Promise<boolean> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const written = await write(client);
    await client.query(end);
    return written > 0;
  } catch (error) {
    await client.query('ROLLBACK');
    if (REFUSED.test((error as { code?: string }).code ?? '')) return false;
    throw error;
  } finally {
    client.release();
  }
}

const FRESH: Record<string, () => unknown> = {
  text: () => randomBytes(6).toString('hex'),
  varchar: () => randomBytes(6).toString('hex'),
  int4: () => randomInt(1_000_000, 2 ** 31 - 1),
  int8: () => randomInt(1_000_000, 2 ** 31 - 1),
  bytea: () => `\\x${randomBytes(32).toString('hex')}`,
  uuid: () => randomUUID(),
};

/**
 * Returns for each unique index another value in one of its columns, so that a copy stands beside its original. A partial index
 * is left out: a value that takes the row out of it may be one that a check refuses.
 */
async function freshKeys(pool: pg.Pool, table: string): Promise<Values> {
  const { rows } = await pool.query<{ index: string; column: string; type: string }>(
    `SELECT i.indexrelid::text AS index, a.attname AS column, t.typname AS type
     FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) JOIN pg_type t ON t.oid = a.atttypid
     WHERE i.indrelid = format('public.%I', $1::text)::regclass AND i.indisunique AND i.indpred IS NULL AND NOT EXISTS (
       SELECT 1 FROM pg_constraint f WHERE f.conrelid = i.indrelid AND f.contype = 'f' AND a.attnum = ANY (f.conkey))
     ORDER BY 1, array_position(ARRAY['text', 'varchar', 'int4', 'int8', 'bytea', 'uuid']::name[], t.typname)`,
    [table],
  );
  const first = new Map(rows.map(({ index }) => [index, rows.find((row) => row.index === index)]));
  return Object.fromEntries([...first.values()].flatMap((key) => (key ? [[key.column, FRESH[key.type]?.()]] : [])));
}
