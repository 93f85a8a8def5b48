// The sets as a table, the newest last: where a person looks first.
import { bytes, duration } from './amounts';
import type { BackupSet, BrokenSet } from './sets';

const HEAD = ['id', 'kind', 'age', 'size', 'stored', 'parts'];

const WHY: Record<BrokenSet['broken'], string> = {
  signature: 'its manifest was changed after it had been signed',
  unreadable: 'its manifest can not be read',
  unknown_key: 'a key that is not in SECRET_KEY signed its manifest; add that key after a comma',
};

export function describeSets(sets: readonly (BackupSet | BrokenSet)[], now = Date.now()): string {
  const rows = [HEAD, ...sets.map((set) => row(set, now))];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function row(set: BackupSet | BrokenSet, now: number): string[] {
  if ('broken' in set) {
    const state = set.broken === 'unknown_key' ? 'UNKNOWN KEY' : 'BROKEN';
    return [set.id, state, '', '', '', `not to be used: ${WHY[set.broken]}`];
  }
  const age = duration((now - Date.parse(set.finishedAt)) / 1000);
  return [set.id, set.kind, age, bytes(set.size), bytes(set.stored), set.parts.join(', ')];
}
