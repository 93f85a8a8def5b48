// Rehearses a rollback on a copy: the newest backup restored beside, the migrations undone there, the earlier API started on
// it. Nothing is written to the database that serves.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { ReleaseDriver, ReleaseProgram } from '../../ops/releases/driver';
import type { Rehearsal, RollbackPlan, UndoneMigration } from '../../workflows/contracts/rollback';
import { clusterName } from '../restore';
import { chooseSet } from '../restore/chosen-set';
import { restoreFiles, withCluster } from '../restore/cluster';
import { planRestore } from '../restore/plan';
import { openThrowAway, removeThrowAway } from '../restore/throw-away';
import { readUndone } from './losses';

export interface Rehearse {
  rollbackId: string;
  plan: RollbackPlan;
  signal: AbortSignal;
}

/** Returns a verdict whatever happens, except that it was cancelled. */
export async function rehearse(
  tools: RecoveryTools,
  driver: ReleaseDriver,
  { rollbackId, plan, signal }: Rehearse,
): Promise<Rehearsal> {
  const begun = Date.now();
  const verdict: Rehearsal = { verdict: 'failed', setId: null, migrations: [], seconds: 0, problem: null };
  const throwAway = openThrowAway(tools, rollbackId);
  try {
    const { id, postgres } = await chooseSet(tools, 'latest', null);
    verdict.setId = id;
    const restored = await planRestore(throwAway, { from: id }, signal);
    const name = clusterName(rollbackId);
    await restoreFiles(throwAway, { plan: restored, name, label: postgres.label }, () => {}, signal);
    verdict.migrations = await withCluster(throwAway, name, (url) =>
      takeBack(driver, plan, copyAt(throwAway, url), signal),
    );
    verdict.verdict = 'passed';
  } catch (error) {
    signal.throwIfAborted();
    verdict.problem = toProblem(error);
  } finally {
    await removeThrowAway(throwAway.host.home);
  }
  return { ...verdict, seconds: (Date.now() - begun) / 1000 };
}

/** The backup may be older than the release that serves: it is brought to its schema first. */
async function takeBack(
  driver: ReleaseDriver,
  { from, to }: RollbackPlan,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<UndoneMigration[]> {
  const run = async (version: string, program: ReleaseProgram, args: string[] = []) => {
    const end = await driver.run({ version, program, args, env, signal });
    if (end.code === 0) return end.stdout;
    const told = program === 'migrate:down' ? readUndone(end.code, end.stdout) : null;
    const why = told && 'problem' in told ? told.problem : `${program} of ${version} ended with ${end.code}.`;
    throw ApplicationFailure.nonRetryable(why, CODES[program]);
  };
  await run(from.version, 'migrate');
  const printed = await run(from.version, 'migrate:down', [to.lastMigration, '--json']);
  const told = readUndone(0, printed);
  await run(to.version, 'try-api');
  return 'undone' in told ? told.undone : [];
}

const CODES: Record<ReleaseProgram, string> = {
  migrate: 'migration_failed',
  'migrate:down': 'cannot_undo',
  'try-api': 'api_not_ready',
  replay: 'cannot_replay',
};

/** The environment of a release on the copy: it reaches neither Temporal nor Redis, and keeps files of its own. */
const copyAt = ({ host }: RecoveryTools, url: string): NodeJS.ProcessEnv => ({
  DATABASE_URL: url,
  FILES_URL: pathToFileURL(join(host.home, 'files')).href,
  TEMPORAL_ADDRESS: '127.0.0.1:1',
  REDIS_URL: '',
  SENTRY_DSN: '',
});

function toProblem(error: unknown): { code: string; message: string } {
  if (error instanceof ApplicationFailure) return { code: error.type ?? 'failed', message: error.message };
  return {
    code: 'failed',
    message: `It failed unexpectedly (${(error as Error).name}): read the log of the releases host.`,
  };
}
