// What the lane claimed since a moment, whatever the database says: from the objects of the journal, and from Temporal for
// the runs that are no object yet. Those that have ended become one, so that later restores need no Temporal for them.
import type { Client } from '@temporalio/client';
import type { SignedStore } from '../../ops/runtime/signed-store';
import { timeOfUuid } from '../../ops/runtime/uuids';
import { laneId, MAIL_LANE, type Watermark } from '../../workflows/contracts/lane';
import {
  archiveRun,
  listArchivedRuns,
  nullIfNotFound,
  type RunClaims,
  readArchivedRun,
  readRun,
} from '../lane/journal';
import { isBehind } from '../lane/watermark';
import type { Known } from './known';

export interface JournalSources {
  /** Below BACKUP_URL. */
  backups: SignedStore;
  /** Null: its store is lost, as an operator says. One that is merely away is waited for. */
  temporal: Client | null;
}

export interface JournalClaims {
  /** False: mails may have been claimed that nobody knows of. */
  complete: boolean;
  /** When each draft was claimed last, ISO 8601. */
  claimed: Map<string, string>;
  /** The lane's newest run, which is still to be archived. */
  newestRun: string | null;
}

/** Clocks differ, and what a claim leads to takes a moment. */
const MARGIN_MS = 5 * 60_000;
const AT_ONCE = 16;
const GAP: RunClaims = { complete: false, claims: [] };

export async function readClaimsSince(
  { backups, temporal }: JournalSources,
  { knownUntil, journalRun, namespaceId, mark: known }: Known,
): Promise<JournalClaims> {
  const since = new Date(Date.parse(knownUntil) - MARGIN_MS);
  const journal: JournalClaims = { complete: true, claimed: new Map(), newestRun: null };
  const isLater = (mark?: Watermark) => known !== undefined && mark !== undefined && isBehind(known, mark);
  // Only within one life do the numbers say all: two lives may have gone on from the same moment.
  const isOfLife = (mark?: Watermark) => mark !== undefined && mark.generation === known?.generation;
  const add = ({ complete, claims }: RunClaims) => {
    journal.complete &&= complete;
    for (const { at, ids, mark } of claims) {
      const isNews = isLater(mark) || (!isOfLife(mark) && Date.parse(at) >= since.getTime());
      if (isNews) for (const id of ids) keepLast(id, at);
    }
  };
  const keepLast = (id: string, at: string) => {
    if ((journal.claimed.get(id) ?? '') < at) journal.claimed.set(id, at);
  };

  const archived = await listArchivedRuns(backups, MAIL_LANE);
  const hasEnded = (runId: string, i: number) => endedBefore(since, runId, archived[i + 1]);
  for await (const run of readRuns(
    backups,
    archived.filter((runId, i) => !hasEnded(runId, i)),
  ))
    add(run ?? GAP);
  // From the newest back: a run that the database knows was the last one for it, and all earlier ones are known too.
  for await (const run of readRuns(backups, archived.filter(hasEnded).reverse())) {
    // Its name tells when it began, and it is not ours: nobody knows what it stands in the place of.
    if (!run) add(GAP);
    else if (isLater(run.mark)) add(run);
    else if (run.claims.length > 0) break;
  }
  if (!temporal) return { ...journal, complete: false };

  const isKnown = await isSameStore(temporal, namespaceId, journalRun);
  const isArchived = new Set(archived);
  journal.complete &&= isKnown;
  journal.newestRun = await newestRun(temporal);
  const seen = new Set<string>();
  const open = [journal.newestRun, journalRun, ...(await runsSince(temporal, since))];
  for (let runId = open.shift(); runId !== undefined; runId = open.shift()) {
    if (runId === null || seen.has(runId) || isArchived.has(runId)) continue;
    seen.add(runId);
    const run = await readRun(temporal, MAIL_LANE, runId);
    add(run);
    const isWorthKeeping = run.complete && run.claims.length > 0;
    if (isWorthKeeping && runId !== journal.newestRun) await archiveRun(backups, MAIL_LANE, runId, run);
    if (run.startedAt > since || isLater(run.mark)) open.push(run.previousRun);
  }
  return journal;
}

/** In this order, a few at once. */
async function* readRuns(backups: SignedStore, runIds: string[]): AsyncIterable<RunClaims | null> {
  for (let i = 0; i < runIds.length; i += AT_ONCE) {
    const some = runIds.slice(i, i + AT_ONCE);
    yield* await Promise.all(some.map((runId) => readArchivedRun(backups, MAIL_LANE, runId)));
  }
}

/** A run claims nothing once the next one has begun: a lane has one at a time. */
function endedBefore(moment: Date, runId: string, next: string | undefined): boolean {
  const began = next === undefined || timeOfUuid(runId) === null ? null : timeOfUuid(next);
  return began !== null && began <= moment.getTime();
}

/** Whether Temporal still has all that it had at the restored moment: it is the store that the database knew then, by its
 *  namespace's id, or by the run that was open. */
async function isSameStore(temporal: Client, namespaceId: string | null, journalRun: string | null): Promise<boolean> {
  if (namespaceId !== null && namespaceId === (await readNamespaceId(temporal))) return true;
  return journalRun !== null && (await readRun(temporal, MAIL_LANE, journalRun)).complete;
}

/** Null: there is no such namespace. */
export async function readNamespaceId(temporal: Client): Promise<string | null> {
  const { namespace } = temporal.options;
  try {
    const { namespaceInfo } = await temporal.workflowService.describeNamespace({ namespace });
    return namespaceInfo?.id || null;
  } catch (error) {
    return nullIfNotFound(error);
  }
}

async function newestRun(temporal: Client): Promise<string | null> {
  try {
    return (await temporal.workflow.getHandle(laneId(MAIL_LANE)).describe()).runId;
  } catch (error) {
    return nullIfNotFound(error);
  }
}

async function runsSince(temporal: Client, since: Date): Promise<string[]> {
  const query = `WorkflowId = '${laneId(MAIL_LANE)}' AND (ExecutionStatus = 'Running' OR CloseTime >= '${since.toISOString()}')`;
  const runs: string[] = [];
  try {
    for await (const { runId } of temporal.workflow.list({ query })) runs.push(runId);
  } catch (error) {
    nullIfNotFound(error);
  }
  return runs;
}
