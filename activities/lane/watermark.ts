// Reads from Temporal and the journal how far the lane has come. No restore of the database rewinds them, so a database that
// knows less has lost commits (docs/rewind.md).
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { SignedStore } from '../../ops/runtime/signed-store';
import { firstUuidOf } from '../../ops/runtime/uuids';
import { type Claimed, claimed, type LaneInput, laneId, type Watermark } from '../../workflows/contracts/lane';
import { listArchivedRuns, nullIfNotFound, readArchivedRun } from './journal';

/** Events per page of a history; the newest claim is usually on the first. */
const PAGE = 50;
const RECENT_MS = 2 * 86_400_000;
/** A run that was started anew and claimed nothing has no mark: then look at earlier ones, up to this many. */
const RUNS_LOOKED_AT = 3;

export interface WatermarkSources {
  temporal: Client;
  /** Below BACKUP_URL. */
  backups: Pick<SignedStore, 'get' | 'list' | 'signer'>;
}

export const isBehind = (one: Watermark, other: Watermark): boolean =>
  one.generation < other.generation || (one.generation === other.generation && one.claims < other.claims);

/** Returns the mark of the lane's open run, or, if that was started anew, the highest of all others. Null: no claim is known. */
export async function readMarkOf(sources: WatermarkSources, lane: string, runId: string): Promise<Watermark | null> {
  return (await readMarkOfRun(sources.temporal, lane, runId)) ?? readWatermark(sources, lane);
}

/** Returns the higher one of Temporal and the journal, which outlives Temporal. */
export async function readWatermark({ temporal, backups }: WatermarkSources, lane: string): Promise<Watermark | null> {
  const marks = [await readMarkInTemporal(temporal, lane), await readMarkInJournal(backups, lane)];
  return marks.reduce((most, mark) => (mark && (!most || isBehind(most, mark)) ? mark : most), null);
}

export async function readMarkInTemporal(temporal: Client, lane: string): Promise<Watermark | null> {
  for (const runId of await newestRuns(temporal, lane)) {
    const mark = await readMarkOfRun(temporal, lane, runId);
    if (mark) return mark;
  }
  return null;
}

/** Lists the open run first, then those that closed last. */
async function newestRuns(temporal: Client, lane: string): Promise<string[]> {
  const workflowId = laneId(lane);
  const open = await temporal.workflow.getHandle(workflowId).describe().catch(nullIfNotFound);
  const runs = open ? [open.runId] : [];
  const closed = temporal.workflow.list({ query: `WorkflowId = '${workflowId}' AND ExecutionStatus != 'Running'` });
  try {
    for await (const { runId } of closed) {
      if (runs.push(runId) > RUNS_LOOKED_AT) break;
    }
  } catch (error) {
    nullIfNotFound(error);
  }
  return runs;
}

/** Reads from the newest event back. Returns null if the run has no mark, or Temporal has forgotten the run. */
async function readMarkOfRun(temporal: Client, lane: string, runId: string): Promise<Watermark | null> {
  const request = {
    namespace: temporal.options.namespace,
    execution: { workflowId: laneId(lane), runId },
    maximumPageSize: PAGE,
  };
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await temporal.workflowService
      .getWorkflowExecutionHistoryReverse({ ...request, ...(nextPageToken ? { nextPageToken } : {}) })
      .catch(nullIfNotFound);
    for (const event of page?.history?.events ?? []) {
      const signal = event.workflowExecutionSignaledEventAttributes;
      const [told] = (signal?.signalName === claimed.name && signal.input?.payloads) || [];
      const mark = told && defaultPayloadConverter.fromPayload<Claimed>(told).mark;
      if (mark) return mark;
      const [given] = event.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      if (given) return defaultPayloadConverter.fromPayload<LaneInput>(given).report?.mark ?? null;
    }
    nextPageToken = page?.nextPageToken?.length ? page.nextPageToken : undefined;
  } while (nextPageToken);
  return null;
}

/** Skips objects that are not ours: however many there are, they hide none that is. */
export async function readMarkInJournal(backups: WatermarkSources['backups'], lane: string): Promise<Watermark | null> {
  // A run lasts minutes, so the newest is mostly a recent one; a month of them would be long to list.
  const recent = await listArchivedRuns(backups, lane, firstUuidOf(Date.now() - RECENT_MS));
  const newest = await readMarkOfNewest(backups, lane, recent);
  if (newest.isFound) return newest.mark;
  return (await readMarkOfNewest(backups, lane, await listArchivedRuns(backups, lane))).mark;
}

async function readMarkOfNewest(
  backups: WatermarkSources['backups'],
  lane: string,
  runs: string[],
): Promise<{ mark: Watermark | null; isFound: boolean }> {
  let seen = 0;
  for (const runId of runs.reverse()) {
    const run = await readArchivedRun(backups, lane, runId);
    if (run?.mark) return { mark: run.mark, isFound: true };
    if (run && ++seen === RUNS_LOOKED_AT) break;
  }
  return { mark: null, isFound: seen > 0 };
}
