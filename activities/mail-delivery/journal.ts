// What was claimed, where no restore of the database rewinds it: in the history of the open run, and of every earlier
// run as one object beside the backups.
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { Database } from '../../prisma/client';
import { type Claimed, claimed, laneId } from '../../workflows/contracts/mail-delivery';
import { ServiceTrouble } from './conversation';

export const journalKey = (lane: string, runId: string) => `journal/${lane}/${runId}.json`;

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
  backups: Pick<ObjectStore, 'put'>;
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
        const claims = await readClaims(temporal, lane, previousRun);
        // A run that claimed nothing leaves nothing to restore.
        if (claims.claims.length > 0 || !claims.complete) {
          const entry = JSON.stringify({ lane, runId: previousRun, ...claims });
          await backups.put(journalKey(lane, previousRun), Buffer.from(entry)).catch(() => {
            throw new ServiceTrouble('journal_store_away');
          });
        }
      }
      await db.$executeRaw`UPDATE lanes SET journal_run = ${runId} WHERE name = ${lane} AND owner = ${owner}::uuid`;
    },
  };
}

/** `complete` false: Temporal no longer has that run, so its claims are not known. */
async function readClaims(
  temporal: Client,
  lane: string,
  runId: string,
): Promise<{ complete: boolean; claims: { at: string; ids: string[] }[] }> {
  const claims: { at: string; ids: string[] }[] = [];
  const handle = temporal.workflow.getHandle(laneId(lane), runId);
  try {
    const { events } = await handle.fetchHistory();
    for (const { eventTime, workflowExecutionSignaledEventAttributes: signal } of events ?? []) {
      const payload = signal?.signalName === claimed.name ? signal.input?.payloads?.[0] : undefined;
      if (!payload) continue;
      const ids = unpackIds(defaultPayloadConverter.fromPayload<Claimed>(payload).ids);
      if (ids.length > 0) claims.push({ at: new Date(Number(eventTime?.seconds ?? 0) * 1000).toISOString(), ids });
    }
    return { complete: true, claims };
  } catch (error) {
    if ((error as { code?: unknown }).code !== NOT_FOUND) throw error;
    return { complete: false, claims };
  }
}
