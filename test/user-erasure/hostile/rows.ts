// Compares whole rows before and after somebody's erasure: what may differ is listed, everything else must be the same.
import type pg from 'pg';

/** Tables of what clients write, and what identifies a row. */
const TABLES: Record<string, string[]> = {
  principals: ['id'],
  api_keys: ['id'],
  drafts: ['id'],
  revisions: ['draft_id', 'revision'],
  verdicts: ['id'],
  notes: ['id'],
  attachments: ['id'],
  draft_attachments: ['draft_id', 'attachment_id'],
  policies: ['version'],
  legal_holds: ['id'],
  suppressions: ['id'],
  suppressed_hashes: ['suppression_id', 'hash'],
};

type Row = Record<string, unknown>;
export type Rows = Map<string, Row>;
/** By row: the columns that may have changed, or that the row may have gone. */
export type Allowed = Map<string, Set<string> | 'gone'>;

export async function readRows(pool: pg.Pool): Promise<Rows> {
  const all: Rows = new Map();
  for (const [table, key] of Object.entries(TABLES)) {
    const { rows } = await pool.query(`SELECT to_jsonb(t) AS row FROM ${table} t`);
    for (const { row } of rows) all.set(`${table} ${key.map((column) => row[column]).join('/')}`, row);
  }
  return all;
}

export function allow(allowed: Allowed, row: string, ...columns: string[]): void {
  const known = allowed.get(row);
  if (known !== 'gone') allowed.set(row, new Set([...(known ?? []), ...columns]));
}

/** Returns what is different and must not be. */
export function findDamage(before: Rows, after: Rows, allowed: Allowed): string[] {
  const damage: string[] = [];
  for (const [name, row] of before) {
    const may = allowed.get(name);
    const now = after.get(name);
    if (may === 'gone') continue;
    if (!now) damage.push(`${name} is gone`);
    for (const [column, value] of Object.entries(now ? row : {})) {
      if (may?.has(column) || JSON.stringify(now?.[column]) === JSON.stringify(value)) continue;
      damage.push(`${name} ${column}: ${JSON.stringify(value)} became ${JSON.stringify(now?.[column])}`);
    }
  }
  return damage;
}
