// Reads and writes the two files between the process driver and the supervisor: what is to run, and what runs.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readKeptJson, writeKept } from '../../local/kept-file';
import type { Running, Wanted } from '../driver';
import { Version } from '../release';
import { WantedRecord } from '../wanted';

export const RELEASES_FOLDER = 'releases';

const Process = z.object({ version: Version, url: z.string(), metrics: z.string(), deaths: z.number() });
const RunningFile = z.object({ api: z.array(Process), trial: z.array(Process), workers: z.array(Process) });

export const wantedFile = (folder: string) => join(folder, 'current.json');
const runningFile = (folder: string) => join(folder, 'running.json');

/** Returns null before the first deployment: then the release of this folder runs. */
export const readWanted = (folder: string): Wanted | null => parse(WantedRecord, wantedFile(folder));
export const writeWanted = (folder: string, wanted: Wanted): void => write(wantedFile(folder), wanted, folder);

/** Returns null if no supervisor has written it. */
export const readRunning = (folder: string): Running | null => parse(RunningFile, runningFile(folder));
export const writeRunning = (folder: string, running: Running): void => write(runningFile(folder), running, folder);

function parse<T>(schema: z.ZodType<T>, file: string): T | null {
  const content = readKeptJson<unknown>(file);
  // Taken for missing, it would start another release.
  if (content === null && existsSync(file)) throw new Error(`${file} is damaged: it is no JSON`);
  return content === null ? null : schema.parse(content);
}

function write(file: string, content: unknown, folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeKept(file, `${JSON.stringify(content, null, 2)}\n`);
}
