// Where the recorded histories lie: one JSON file a scenario.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';

const FOLDER = join(__dirname, 'histories');
const fileOf = (scenario: string) => join(FOLDER, `${scenario}.json`);

export interface Recording {
  workflowId: string;
  history: unknown;
}

export function recordings(): Map<string, Recording> {
  const files = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith('.json')) : [];
  return new Map(
    files.map((name) => [name.replace(/\.json$/, ''), JSON.parse(readFileSync(join(FOLDER, name), 'utf8'))]),
  );
}

/** Never over an older one: a history proves that code which once ran can still be replayed. */
export function keepRecording(
  scenario: string,
  workflowId: string,
  history: Parameters<typeof historyToJSON>[0],
): void {
  mkdirSync(FOLDER, { recursive: true });
  const recording = JSON.stringify({ workflowId, history: JSON.parse(historyToJSON(history)) }, null, 1);
  // Which machine recorded it, and where, is nobody's business.
  const anywhere = recording.replaceAll(hostname(), 'recorder').replaceAll(`${process.cwd()}/`, '');
  writeFileSync(fileOf(scenario), `${anywhere}\n`, { flag: 'wx' });
}
