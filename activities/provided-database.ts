// Carries out drills where a provider keeps the database: reads everything else back, and refuses to restore the database.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { Context } from '@temporalio/activity';
import type { StoreTools } from '../ops/recovery/tools';
import type { StepBeat } from '../workflows/contracts/recovery-progress';
import type { DrillParts, DrillReport } from '../workflows/contracts/restore-drill';
import { readIndex } from './backup/file-index';
import type { Manifest } from './backup/manifest';
import { readKeys } from './backup/redis-keys';
import { readCatalogue } from './backup/sets';
import { beating } from './beating';
import { finishReport } from './drill-reports';
import { refusal } from './restore/refusal';
import type { DrillPlan } from './restore-drill';

const HOW_TO_RESTORE =
  'The provider keeps this database: have it restored there, start the worker, then ops/restore.sh --adopt (docs/managed-postgres.md).';

const refuse = async (): Promise<never> => {
  throw refusal('kept_by_provider', HOW_TO_RESTORE);
};

export function createProvidedDatabaseActivities(tools: StoreTools) {
  return {
    planDrill: (): Promise<DrillPlan> =>
      beating<DrillPlan, StepBeat>(async (beat) => {
        const { sets } = await readCatalogue(tools, Context.current().cancellationSignal);
        const newest = sets.at(-1);
        if (!newest) throw refusal('no_backup', 'There is no set yet.');
        const pointSeconds = (Date.now() - Date.parse(newest.startedAt)) / 1000;
        return { plan: null, pointSeconds, parts: await readBack(tools, sets, beat) };
      }),
    reportDrill: (report: Omit<DrillReport, 'finishedAt'>): Promise<DrillReport> =>
      beating(() => finishReport(tools, report)),
    preflightRestore: refuse,
    bringBackTruth: refuse,
    undoSwitch: refuse,
    discardRestored: async () => {},
    discardDrill: async () => {},
    removeLeftClusters: async (): Promise<string[]> => [],
  };
}

/** Decrypts each file and the keys of Redis, and compares their hashes. Throws if one is damaged or missing. */
async function readBack(
  tools: StoreTools,
  sets: readonly Manifest[],
  beat: (beat: StepBeat) => void,
): Promise<DrillParts> {
  const files = sets.findLast((set) => set.files)?.files ?? null;
  const redis = sets.findLast((set) => set.redis)?.redis ?? null;
  return {
    files: files && (await readFilesBack(tools, files, beat)),
    redis: redis && { bytes: await readRedisBack(tools, redis.key) },
  };
}

async function readFilesBack(
  tools: StoreTools,
  part: NonNullable<Manifest['files']>,
  beat: (beat: StepBeat) => void,
): Promise<{ files: number; bytes: number }> {
  const { files } = await readIndex(tools, part);
  let bytes = 0;
  for (const [done, { key, sha256 }] of files.entries()) {
    const hash = createHash('sha256');
    bytes += await decrypt(tools, key, (chunk) => hash.update(chunk));
    if (hash.digest('hex') !== sha256) {
      throw refusal('broken_backup', `${key} is damaged.`);
    }
    beat({ done: done + 1, total: files.length, unit: 'files' });
  }
  return { files: files.length, bytes };
}

async function readRedisBack(tools: StoreTools, key: string): Promise<number> {
  let bytes = 0;
  await pipeline(await tools.backups.get(key), tools.encryption.decrypt(), async (source: AsyncIterable<Buffer>) => {
    for await (const { name, content } of readKeys(source)) bytes += name.length + content.length;
  });
  return bytes;
}

/** Returns how many bytes the content has. */
async function decrypt(
  { backups, encryption }: StoreTools,
  key: string,
  see: (chunk: Buffer) => void,
): Promise<number> {
  let bytes = 0;
  await pipeline(await backups.get(key), encryption.decrypt(), async (content) => {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      see(chunk);
    }
  });
  return bytes;
}
