// What was claimed, where no restore of the database rewinds it: in the history of the open run, and of every earlier
// run as one object beside the backups.
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { z } from 'zod';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { getSigned, nullIfForeign, putSigned, type SignedStore } from '../../ops/runtime/signed-store';
import type { Database } from '../../prisma/client';
import { type Claimed, claimed, laneId, type Watermark } from '../../workflows/contracts/lane';
import { ServiceTrouble } from './service-trouble';

export const journalFolder = (lane: string) => `journal/${lane}/`;
export const journalKey = (lane: string, runId: string) => `${journalFolder(lane)}${runId}.json`;

/** Ids of drafts as 16 bytes each: a batch of a hundred is 2 KB of history. */
export const packIds = (ids: string[]) =>
  Buffer.from(ids.map((id) => id.replaceAll('-', '')).join(''), 'hex').toString('base64');

export function unpackIds(packed: string): string[] {
  const hex = Buffer.from(packed, 'base64').toString('hex');
  return (hex.match(/.{32}/g) ?? []).map((id) => id.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5'));
}

const WRITTEN_WITHIN_MS = 5_000;

const FULL = /execution limit for signal events/;
/** gRPC's code. */
const NOT_FOUND = 5;

/** The server takes 10,000 signals a run. */
export class RunIsFull extends Error {}

export interface JournalDependencies {
  db: Database;
  temporal: Client;
  backups: Pick<SignedStore, 'put' | 'signer'>;
}

export function createJournal(
  { db, temporal, backups }: JournalDependencies,
  lane: string,
  runId: string,
  owner: string,
) {
  const run = temporal.workflow.getHandle(laneId(lane), runId);
  return {
    /** Returns when the history has it. Throws RunIsFull where it takes no more. */
    async write(entry: Claimed): Promise<void> {
      try {
        await temporal.withDeadline(Date.now() + WRITTEN_WITHIN_MS, () => run.signal(claimed, entry));
      } catch (error) {
        throw FULL.test(String((error as Error).cause)) ? new RunIsFull() : error;
      }
    },

    /** Before the first claim of a run: its predecessor's claims become an object. Throws ServiceTrouble. */
    async archive(previousRun: string | null): Promise<void> {
      if (previousRun === runId) return;
      if (previousRun !== null) {
        const run = await readRun(temporal, lane, previousRun);
        // A run that claimed nothing leaves nothing to restore.
        if (run.claims.length > 0 || !run.complete) {
          await archiveRun(backups, lane, previousRun, run).catch(() => {
            throw new ServiceTrouble('journal_store_away');
          });
        }
      }
      await db.$executeRaw`UPDATE lanes SET journal_run = ${runId} WHERE name = ${lane} AND owner = ${owner}::uuid`;
    },
  };
}

/** What one run of a lane has claimed. */
export interface RunClaims {
  /** False: Temporal no longer has that run, so its claims are not known. */
  complete: boolean;
  /** `at`: ISO 8601, to the second. */
  claims: RunClaim[];
  /** After its last claim; absent in what an older build wrote. */
  mark?: Watermark | undefined;
}

export interface RunClaim {
  at: string;
  ids: string[];
  /** How far the lane was with this claim; absent in what an older build wrote. */
  mark?: Watermark | undefined;
}

const Mark = z.object({ generation: z.int(), claims: z.int() }).optional();
const Archived = z.object({
  lane: z.string(),
  runId: z.string(),
  complete: z.boolean(),
  claims: z.array(z.object({ at: z.string(), ids: z.array(z.string()), mark: Mark })),
  mark: Mark,
});

/** Signed, since whoever may write below BACKUP_URL could otherwise say that a mail never left. */
export const archiveRun = (
  backups: Pick<SignedStore, 'put' | 'signer'>,
  lane: string,
  runId: string,
  { complete, claims, mark }: RunClaims,
): Promise<void> => putSigned(backups, journalKey(lane, runId), { lane, runId, complete, claims, mark });

/** Lists the runs that are objects, in the order in which they began where their ids tell. @param after leaves out earlier ids */
export async function listArchivedRuns(
  backups: Pick<ObjectStore, 'list'>,
  lane: string,
  after?: string,
): Promise<string[]> {
  const folder = journalFolder(lane);
  const runs: string[] = [];
  for await (const key of backups.list(folder, after && folder + after)) {
    runs.push(key.slice(folder.length).replace(/\.json$/, ''));
  }
  return runs.sort();
}

/** Returns null for one that is not ours, or is gone: it says nothing, and is a gap. */
export async function readArchivedRun(
  backups: Pick<SignedStore, 'get' | 'signer'>,
  lane: string,
  runId: string,
): Promise<RunClaims | null> {
  const found = Archived.safeParse(await getSigned(backups, journalKey(lane, runId)).catch(nullIfForeign));
  return found.success && found.data.lane === lane && found.data.runId === runId ? found.data : null;
}

export interface ReadRun extends RunClaims {
  startedAt: Date;
  /** The one that it continues. */
  previousRun: string | null;
}

/** From Temporal. */
export async function readRun(temporal: Client, lane: string, runId: string): Promise<ReadRun> {
  const run: ReadRun = { complete: true, claims: [], startedAt: new Date(0), previousRun: null };
  try {
    const { events } = await temporal.workflow.getHandle(laneId(lane), runId).fetchHistory();
    for (const event of events ?? []) {
      const at = new Date(Number(event.eventTime?.seconds ?? 0) * 1000);
      const started = event.workflowExecutionStartedEventAttributes;
      if (started) Object.assign(run, { startedAt: at, previousRun: started.continuedExecutionRunId || null });
      const signal = event.workflowExecutionSignaledEventAttributes;
      const payload = signal?.signalName === claimed.name ? signal.input?.payloads?.[0] : undefined;
      if (!payload) continue;
      const entry = defaultPayloadConverter.fromPayload<Claimed>(payload);
      const ids = unpackIds(entry.ids);
      if (ids.length > 0) run.claims.push({ at: at.toISOString(), ids, mark: entry.mark });
      if (entry.mark) run.mark = entry.mark;
    }
    return run;
  } catch (error) {
    nullIfNotFound(error);
    return { ...run, complete: false, claims: [] };
  }
}

/** For what Temporal does not know, or has forgotten. */
export function nullIfNotFound(error: unknown): null {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  if (error instanceof WorkflowNotFoundError || code === NOT_FOUND || cause?.code === NOT_FOUND) return null;
  throw error;
}
