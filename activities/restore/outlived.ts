// Lists databases that earlier restores left and that no undo leads to any more: each takes as much space as the living one.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { livingName } from '../../ops/local/clusters';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { newestRecord } from './records';

const CLUSTER = /^data(-[0-9a-f-]{36})?$/;

/** @returns their folders. They go by themselves after UNDO_RETENTION_DAYS (activities/cluster-retention.ts). */
export async function listOutlived({ host: { home }, backups }: RecoveryTools): Promise<string[]> {
  const newest = await newestRecord(backups);
  const kept = [livingName(home), newest?.cluster, newest?.previous];
  return readdirSync(home)
    .filter((name) => CLUSTER.test(name) && !kept.includes(name))
    .map((name) => join(home, name));
}
