// Reads the tables and columns of the database from its catalog. Their numbers stay when they are renamed.
import type pg from 'pg';

export interface Column {
  name: string;
  type: string;
  isRequired: boolean;
  /** Also if PostgreSQL numbers or computes it. */
  hasDefault: boolean;
}

export interface Table {
  name: string;
  /** The file that holds the rows; another one once PostgreSQL has rewritten them. */
  file: string | null;
  /** By their number. */
  columns: Map<number, Column>;
}

/** By the table's object id. */
export type Shape = Map<string, Table>;

interface Row {
  id: string;
  table: string;
  file: string | null;
  number: number | null;
  name: string;
  type: string;
  isRequired: boolean;
  hasDefault: boolean;
}

/** Returns the tables of the role's schema without the one that records migrations. */
export async function readShape(client: pg.ClientBase): Promise<Shape> {
  const { rows } = await client.query<Row>(`
    SELECT c.oid::text AS id, c.relname AS table, pg_relation_filenode(c.oid)::text AS file,
      a.attnum AS number, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
      a.attnotnull AS "isRequired", a.atthasdef OR a.attidentity <> '' AS "hasDefault"
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND c.relname <> '_prisma_migrations'
    ORDER BY c.relname, a.attnum`);
  const shape: Shape = new Map();
  for (const { id, table, file, number, ...column } of rows) {
    const known = shape.get(id) ?? { name: table, file, columns: new Map() };
    if (number !== null) known.columns.set(number, column);
    shape.set(id, known);
  }
  return shape;
}
