// After a restore: what was lost is listed, brought back or given up, and mail is sent again; or all is undone.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { livingName } from '../../ops/local/clusters';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { putSigned } from '../../ops/runtime/signed-store';
import type { StepBeat } from '../../workflows/contracts/recovery-progress';
import type { LostSummary } from '../../workflows/contracts/restore';
import { beating } from '../beating';
import { findLost, reconcile, releaseLanes } from '../rewind';
import { isAdoption, recordOfAdoption } from './adoption-record';
import { alreadySettled, requireInEffect, requireOpen } from './in-effect';
import { goLive } from './index';
import { lostKey, type RestoreRecord, readRecord, writeRecord } from './records';
import { refusal, refuseForeign } from './refusal';
import { type RewindDependencies, withDatabase } from './rewound';
import { giveUpSwitch, holdLanes } from './switch';
import { forgetTruth, prepareTruth, withTruth } from './truth';

export type FollowUpActivities = ReturnType<typeof createFollowUpActivities>;

export function createFollowUpActivities(tools: RecoveryTools, dependencies: RewindDependencies) {
  const { backups } = tools;
  const { temporal } = dependencies;
  const recordOf = async (restoreId: string): Promise<RestoreRecord> => {
    const record =
      (await readRecord(backups, restoreId).catch(refuseForeign)) ??
      (await recordOfAdoption(tools, restoreId).catch(refuseForeign));
    if (!record) throw refusal('no_such_restore', `There is no restore ${restoreId}.`);
    return record;
  };
  const truthOf = (record: RestoreRecord, beat: (beat: StepBeat) => void) =>
    prepareTruth(tools, record, beat, Context.current().cancellationSignal);

  return {
    /** Stored beside the record, so that the API can answer with it. */
    listLost: (restoreId: string): Promise<LostSummary> =>
      beating<LostSummary, StepBeat>(async (beat) => {
        const record = await recordOf(restoreId);
        const name = await truthOf(record, beat);
        const lost = await withTruth(tools, restoreId, name, (restored, truth) =>
          findLost({ restored, truth, backups, temporal }),
        );
        await putSigned(backups, lostKey(restoreId), lost);
        const { complete, drafts, decisions, sent } = lost;
        return { complete, drafts: drafts.length, decisions, sent };
      }),

    bringBackTruth: (restoreId: string): Promise<void> =>
      beating<void, StepBeat>(async (beat) => {
        const record = await recordOf(restoreId);
        if (isAdoption(record)) await requireInEffect(tools, restoreId);
        else await requireOpen(tools, restoreId);
        await truthOf(record, beat);
      }),

    reconcileLost: (restoreId: string): Promise<number> =>
      beating<number, StepBeat>(async (beat) => {
        const record = await recordOf(restoreId);
        // An adoption has let mail out already.
        if (isAdoption(record)) await holdLanes(tools);
        const name = await truthOf(record, beat);
        return withTruth(tools, restoreId, name, async (restored, truth) => {
          if (!truth) return 0;
          const erasures = dependencies.erasuresOn(restored);
          const { drafts } = await reconcile({ restored, truth, erasures, backups, temporal });
          return drafts;
        });
      }),

    releaseSending: ({ restoreId, acceptLoss }: { restoreId: string; acceptLoss: boolean }): Promise<void> =>
      beating(async () => {
        const record = await recordOf(restoreId);
        if (acceptLoss && record.state === 'reconciled') throw alreadySettled(restoreId);
        const isSwitched = livingName(tools.host.home) === record.cluster;
        // Given up already where the answer of an earlier attempt was lost.
        const cameToNothing = record.state === 'prepared' || record.state === 'abandoned';
        if (acceptLoss && cameToNothing && !isSwitched) return giveUpSwitch(tools, record);
        await requireInEffect(tools, restoreId);
        await withDatabase(tools.settings.DATABASE_URL, (db) => releaseLanes(db));
        if (isAdoption(record)) return;
        await writeRecord(backups, { ...record, state: acceptLoss ? 'accepted' : 'reconciled' });
      }),

    /** An undo is a restore of its own, to the database that was there before. */
    undoSwitch: ({ restoreId, undoId }: { restoreId: string; undoId: string }): Promise<void> =>
      beating(async (beat) => {
        const record = await recordOf(restoreId);
        const { previous, setId, timeline } = record;
        if (!previous || !existsSync(join(tools.host.home, previous, 'PG_VERSION'))) {
          throw refusal('nothing_to_undo', describeMissing(previous, tools.settings.UNDO_RETENTION_DAYS));
        }
        const target = `undo of ${restoreId}`;
        await goLive(tools, dependencies, {
          id: undoId,
          setId,
          target,
          timeline,
          cluster: previous,
          forkedAt: BigInt(record.head.position),
          beat: () => beat(),
        });
        await writeRecord(backups, { ...record, state: 'undone' });
      }),

    forgetTruth: (restoreId: string): Promise<void> => beating(() => forgetTruth(tools, restoreId)),
  };
}

/** @param days for how long a cluster is kept for an undo */
const describeMissing = (previous: string | null, days: number): string =>
  previous === null
    ? 'There was no database before this restore. Restore a backup instead (docs/DR_RUNBOOK.md).'
    : `The database from before this restore (${previous}) is gone: it is removed ${days} day(s) after the restore (UNDO_RETENTION_DAYS). Restore a backup instead (docs/DR_RUNBOOK.md).`;
