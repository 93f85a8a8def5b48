// The commands of every runbook, as they are printed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';

const DOCS = join(PACKAGE_ROOT, 'docs');

export const RUNBOOKS = ['DR_RUNBOOK.md', ...readdirSync(join(DOCS, 'runbooks')).map((name) => join('runbooks', name))];

const textOf = (runbook: string) => readFileSync(join(DOCS, runbook), 'utf8');

/** Returns what stands between ```sh and ```, one entry a block. */
export const blocksOf = (runbook: string): string[] =>
  [...textOf(runbook).matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].map(([, text = '']) => text);

/** Returns our own commands, from blocks and from sentences. One with a blank to fill in is left out. */
export function commandsOf(runbook: string): string[] {
  const lines = blocksOf(runbook).flatMap((block) => block.trim().split('\n'));
  const spans = [...textOf(runbook).matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
  const own = [...lines, ...spans].filter(
    (line) => /^(ops\/backup\.sh|ops\/restore\.sh -|node dist\/ops\/)/.test(line) && !/[<…]/.test(line),
  );
  return [...new Set(own)];
}
