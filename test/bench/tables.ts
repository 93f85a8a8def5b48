// Numbers for people.
import type { Aim } from './aims';

/** Columns as wide as their widest entry; the first is a title, the others are numbers. */
export function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row.map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join('  '),
    )
    .join('\n');
}

export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

export function aimTable(aims: Aim[]): string {
  const verdict = (met: boolean | null) => (met === null ? 'not measured' : met ? 'met' : 'NOT MET');
  const hasFloor = aims.some(({ floor }) => floor !== null);
  const row = (aim: string, measured: string, floor: string, met: string) =>
    hasFloor ? [aim, measured, floor, met] : [aim, measured, met];
  return table([
    row('aim', 'measured', 'floor', ''),
    ...aims.map(({ aim, measured, met, floor }) =>
      row(aim, number(measured), floor === null ? '' : number(floor), verdict(met)),
    ),
  ]);
}
