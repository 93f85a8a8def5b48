// What a drill does beside the steps of a restore: it chooses the moment, and writes the report.
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { withClient } from '../ops/local/database';
import { listArchive } from '../ops/pgbackrest/archive';
import { readRepository } from '../ops/pgbackrest/info';
import type { RecoveryTools } from '../ops/recovery/tools';
import type { RestorePlan } from '../workflows/contracts/restore';
import type { DrillParts, DrillReport } from '../workflows/contracts/restore-drill';
import { beating } from './beating';
import { finishReport } from './drill-reports';
import { chooseSet } from './restore/chosen-set';
import { keepLogTail } from './restore/log-tail';
import { planRestore } from './restore/plan';
import { refusal } from './restore/refusal';

export interface DrillPlan {
  /** Null if a provider keeps the database. */
  plan: RestorePlan | null;
  pointSeconds: number;
  parts?: DrillParts;
}

export type RestoreDrillActivities = ReturnType<typeof createRestoreDrillActivities>;

export function createRestoreDrillActivities(tools: RecoveryTools) {
  const { settings, pgbackrest } = tools;
  return {
    planDrill: (): Promise<DrillPlan> =>
      beating(async () => {
        const { cancellationSignal: signal } = Context.current();
        const pointSeconds = await measurePoint(signal);
        const { postgres } = await chooseSet(tools, 'latest', null);
        const from = Date.parse(postgres.stoppedAt);
        await delay(Math.max(from - Date.now(), 0), undefined, { signal });
        // A commit behind the target, so that recovery can stop at it.
        const until = await commitNothing(settings.DATABASE_URL);
        if (!(await keepLogTail(settings.DATABASE_URL, signal))) {
          throw refusal(
            'after_last_commit',
            'The log of the last minute did not come to the archive: archiving is in trouble.',
          );
        }
        const seconds = Math.max(Math.floor((until - from) / 1000), 1);
        const time = new Date(from + randomInt(seconds) * 1000).toISOString();
        return { plan: await planRestore(tools, { from: 'latest', time }, signal), pointSeconds };
      }),

    reportDrill: (report: Omit<DrillReport, 'finishedAt'>): Promise<DrillReport> =>
      beating(() => finishReport(tools, report)),
  };

  /** Seconds since the newest change that is kept; 0 where nothing has been changed since. */
  async function measurePoint(signal: AbortSignal): Promise<number> {
    const { archive } = await readRepository(pgbackrest, signal);
    const { segments } = await listArchive(pgbackrest, archive.at(-1)?.id ?? '', signal);
    const newest = segments.at(-1);
    if (!newest) throw refusal('no_backup', 'The archive holds no segment of the log.');
    return Math.max(0, (Date.now() - newest.at.getTime()) / 1000);
  }
}

/** @returns the time after its commit, in milliseconds since 1970 */
function commitNothing(connectionString: string): Promise<number> {
  return withClient(connectionString, async (client) => {
    await client.query('SELECT pg_current_xact_id()');
    const { rows } = await client.query<{ at: Date }>('SELECT clock_timestamp() AS at');
    return rows[0]?.at.getTime() ?? Date.now();
  });
}
