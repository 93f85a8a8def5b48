// The restored cluster, beside the one that lives: its files from the repository, then its log up to the target.
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Beside, endBeside, startBeside } from '../../ops/local/beside';
import { livingName } from '../../ops/local/clusters';
import { LaunchError } from '../../ops/local/server';
import { EXIT, PgBackRestError } from '../../ops/pgbackrest/pgbackrest';
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { StepBeat } from '../../workflows/contracts/recovery-progress';
import type { RestorePlan } from '../../workflows/contracts/restore';
import { refusal } from './refusal';

type Beat = (beat: StepBeat) => void;

/** Written once all files are there. */
const RESTORED = 'countersign-restored';
const BEATS_EACH_MS = 1_000;
const NOT_REACHED = /recovery ended before configured recovery target was reached/;
const TOO_EARLY = /requested recovery stop point is before consistent recovery point/;
const LAST_COMMIT = /last completed transaction was at log time (.+?)\.?$/m;

export interface RestoredFiles {
  plan: RestorePlan;
  /** The folder's name below POSTGRES_HOME. */
  name: string;
  label: string;
}

/** Goes on, or begins anew, after it was cut off. */
export async function restoreFiles(
  tools: RecoveryTools,
  { plan, name, label }: RestoredFiles,
  beat: Beat,
  signal?: AbortSignal,
): Promise<void> {
  const { host, pgbackrest } = tools;
  const data = join(host.home, name);
  if (existsSync(join(data, RESTORED))) return;
  await discardCluster(tools, name);
  mkdirSync(data, { mode: 0o700 });
  if (host.user) chownSync(data, host.user.uid, host.user.gid);
  const watching = watchSize(data, plan.size, beat);
  try {
    await pgbackrest.run('restore', [], { signal, options: optionsFor(plan, data, label) });
  } catch (error) {
    if (error instanceof PgBackRestError && error.exitCode === EXIT.checksum) {
      throw refusal('broken_backup', `A file of ${label} is damaged: ${error.said}`);
    }
    throw error;
  } finally {
    watching.end();
  }
  writeFileSync(join(data, RESTORED), plan.setId);
}

function optionsFor(plan: RestorePlan, data: string, label: string): Record<string, string> {
  const promoted = { 'target-action': 'promote', 'target-timeline': String(plan.timeline) };
  const common = { 'pg1-path': data, set: label };
  switch (plan.to) {
    case 'time':
      return { ...common, ...promoted, type: 'time', target: `${plan.time?.replace('T', ' ').replace('Z', '')}+00` };
    case 'restore_point':
      return { ...common, ...promoted, type: 'name', target: plan.restorePoint ?? '' };
    case 'set':
      return { ...common, type: 'immediate', 'target-action': 'promote' };
    case 'end':
      return { ...common, type: 'default', 'target-timeline': String(plan.timeline) };
  }
}

/** Started until its log is carried out, and then for `work`; stopped in any case. */
export async function withCluster<T>(
  tools: RecoveryTools,
  name: string,
  work: (url: string, superuserUrl: string) => Promise<T>,
): Promise<T> {
  const beside = await startRecovered(tools, name);
  try {
    return await work(beside.url, beside.superuserUrl);
  } finally {
    await beside.stop();
  }
}

async function startRecovered({ host }: RecoveryTools, name: string): Promise<Beside> {
  try {
    return await startBeside(host, name);
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    if (TOO_EARLY.test(error.lastLines)) {
      throw refusal(
        'before_first_backup',
        'The target lies before the end of the set: choose a later time, or an earlier set.',
      );
    }
    if (!NOT_REACHED.test(error.lastLines)) throw error;
    const last = LAST_COMMIT.exec(error.lastLines)?.[1];
    throw refusal(
      'after_last_commit',
      `The target lies after the last commit that was kept${last ? `, which was at ${last}` : ''}: choose that or an earlier time.`,
    );
  }
}

/** Never the one that lives. */
export async function discardCluster({ host }: RecoveryTools, name: string): Promise<void> {
  if (name === livingName(host.home)) throw new Error(`${name} is the cluster that lives`);
  const data = join(host.home, name);
  await endBeside(data);
  rmSync(data, { recursive: true, force: true });
}

function watchSize(data: string, total: number, beat: Beat): { end(): void } {
  const stop = new AbortController();
  void (async () => {
    while (!stop.signal.aborted) {
      beat({ done: Math.min(await sizeOf(data), total), total, unit: 'bytes' });
      await delay(BEATS_EACH_MS, undefined, { signal: stop.signal }).catch(() => {});
    }
  })().catch(() => {});
  return { end: () => stop.abort() };
}

async function sizeOf(folder: string): Promise<number> {
  let size = 0;
  // Files come and go while it is written.
  const entries = await opendir(folder, { recursive: true }).catch(() => null);
  if (!entries) return 0;
  for await (const entry of entries) {
    if (entry.isFile()) size += (await stat(join(entry.parentPath, entry.name)).catch(() => null))?.size ?? 0;
  }
  return size;
}
