// What the lane claimed since a moment, whatever the database says: from the objects of the journal, and from Temporal for
// the runs that are no object yet. Those that have ended become one, so that later restores need no Temporal for them.
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { timeOfUuid } from '../../ops/runtime/uuids';
import { laneId, MAIL_LANE } from '../../workflows/contracts/mail-delivery';
import { parse, readObject } from '../audit-trail/stored-json';
import { archiveRun, journalFolder, journalKey, type RunClaims, readRun } from '../mail-delivery/journal';
import type { Known } from './known';

export interface JournalSources {
  /** Below BACKUP_URL. */
  backups: ObjectStore;
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
/** gRPC's code. */
const NOT_FOUND = 5;

const Archived = z.object({
  complete: z.boolean(),
  claims: z.array(z.object({ at: z.string(), ids: z.array(z.string()) })),
});

export async function readClaimsSince(
  { backups, temporal }: JournalSources,
  { knownUntil, journalRun, namespaceId }: Known,
): Promise<JournalClaims> {
  const since = new Date(Date.parse(knownUntil) - MARGIN_MS);
  const journal: JournalClaims = { complete: true, claimed: new Map(), newestRun: null };
  const add = ({ complete, claims }: RunClaims) => {
    journal.complete &&= complete;
    for (const { at, ids } of claims) if (Date.parse(at) >= since.getTime()) for (const id of ids) keepLast(id, at);
  };
  const keepLast = (id: string, at: string) => {
    if ((journal.claimed.get(id) ?? '') < at) journal.claimed.set(id, at);
  };

  const archived = await listRuns(backups);
  const relevant = archived.filter((runId, i) => !endedBefore(since, runId, archived[i + 1]));
  for (let i = 0; i < relevant.length; i += AT_ONCE) {
    const some = relevant.slice(i, i + AT_ONCE);
    for (const run of await Promise.all(some.map((runId) => readArchived(backups, runId)))) add(run);
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
    if (run.startedAt > since) open.push(run.previousRun);
  }
  return journal;
}

/** The runs that are objects, in the order in which they began where their ids tell. */
export async function listRuns(backups: ObjectStore): Promise<string[]> {
  const folder = journalFolder(MAIL_LANE);
  const runs: string[] = [];
  for await (const key of backups.list(folder)) runs.push(key.slice(folder.length).replace(/\.json$/, ''));
  return runs.sort();
}

/** A run claims nothing once the next one has begun: a lane has one at a time. */
function endedBefore(moment: Date, runId: string, next: string | undefined): boolean {
  const began = next === undefined || timeOfUuid(runId) === null ? null : timeOfUuid(next);
  return began !== null && began <= moment.getTime();
}

/** One that can't be understood is a gap. */
export async function readArchived(backups: ObjectStore, runId: string): Promise<RunClaims> {
  const found = Archived.safeParse(parse((await readObject(backups, journalKey(MAIL_LANE, runId))) ?? ''));
  return found.success ? found.data : { complete: false, claims: [] };
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

export function nullIfNotFound(error: unknown): null {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  if (error instanceof WorkflowNotFoundError || code === NOT_FOUND || cause?.code === NOT_FOUND) return null;
  throw error;
}
