// Says what is lost by undoing migrations: tables, columns, and how many rows they hold now.
import pg from 'pg';
import type { Shape } from './shape';
import type { Step } from './undo';

export interface Loss {
  table: string;
  /** Null if the whole table goes. */
  column: string | null;
  /** The rows of the table, or those with a value in the column. */
  rows: number;
}

export interface Undone {
  migration: string;
  drops: Loss[];
  deletes: { table: string; rows: number }[];
}

/** Returns one line for each table, column and set of rows that is lost. */
export const describeLosses = ({ drops, deletes }: Pick<Undone, 'drops' | 'deletes'>): string[] => [
  ...drops.map(({ table, column, rows }) =>
    column === null ? `drops table ${table}, ${rows} row(s)` : `drops column ${table}.${column}, ${rows} value(s)`,
  ),
  ...deletes.map(({ table, rows }) => `deletes ${rows} row(s) of ${table}`),
];

type Dropped = Omit<Loss, 'rows'>;

/** Counts what the steps drop, in the database as it was before the first of them. */
export async function countLosses(client: pg.ClientBase, steps: Step[]): Promise<Undone[]> {
  const now = steps[0]?.before ?? new Map();
  const undone: Undone[] = [];
  for (const { name, before, after, deleted } of steps) {
    const drops: Loss[] = [];
    for (const dropped of findDropped(now, before, after)) {
      drops.push({ ...dropped, rows: await countRows(client, dropped) });
    }
    const deletes = Object.entries(deleted).map(([table, rows]) => ({ table, rows }));
    undone.push({ migration: name, drops, deletes });
  }
  return undone;
}

/** By the names that they have now; what only an earlier step has made holds nothing yet. */
function findDropped(now: Shape, before: Shape, after: Shape): Dropped[] {
  return [...before.keys()].flatMap((id): Dropped[] => {
    const table = now.get(id);
    if (!table) return [];
    const left = after.get(id);
    if (!left) return [{ table: table.name, column: null }];
    return [...(before.get(id)?.columns.keys() ?? [])].flatMap((number) => {
      const column = table.columns.get(number);
      return column && !left.columns.has(number) ? [{ table: table.name, column: column.name }] : [];
    });
  });
}

async function countRows(client: pg.ClientBase, { table, column }: Dropped): Promise<number> {
  const counted = column === null ? '*' : pg.escapeIdentifier(column);
  const { rows } = await client.query(`SELECT count(${counted}) AS rows FROM ${pg.escapeIdentifier(table)}`);
  return Number(rows[0].rows);
}
