// What Temporal's histories say of drafts and erasures: the newest state that each process was told since a moment.
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { changed } from '../../workflows/contracts/draft-approval';
import { nullIfNotFound } from './journal-claims';

export interface ToldState {
  /** Of the draft, or of the erasure. */
  id: string;
  generation: number;
  version: number;
  status: string;
  at: string;
}

const PREFIXES = { draftApproval: 'draft-', userErasure: 'erasure-' };
const AT_ONCE = 8;

/** In batches. Of processes that run, and of those that have ended since. */
export async function* readToldStates(
  temporal: Client,
  process: keyof typeof PREFIXES,
  since: Date,
): AsyncIterable<ToldState[]> {
  const query = `WorkflowType = '${process}' AND (ExecutionStatus = 'Running' OR CloseTime >= '${since.toISOString()}')`;
  let batch: { workflowId: string; runId: string }[] = [];
  const read = async () => {
    const states = await Promise.all(batch.map((run) => readNewest(temporal, run)));
    batch = [];
    return states.flatMap((state) => (state && new Date(state.at) >= since ? [state] : []));
  };
  for await (const { workflowId, runId } of temporal.workflow.list({ query })) {
    if (!workflowId.startsWith(PREFIXES[process])) continue;
    if (batch.push({ workflowId, runId }) === AT_ONCE) yield await read();
  }
  yield await read();
}

async function readNewest(
  temporal: Client,
  { workflowId, runId }: { workflowId: string; runId: string },
): Promise<ToldState | null> {
  const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory().catch(nullIfNotFound);
  let newest: ToldState | null = null;
  for (const { eventTime, workflowExecutionSignaledEventAttributes: signal } of history?.events ?? []) {
    const payload = signal?.signalName === changed.name ? signal.input?.payloads?.[0] : undefined;
    if (!payload) continue;
    const { generation, version, status } = defaultPayloadConverter.fromPayload<Omit<ToldState, 'id' | 'at'>>(payload);
    const at = new Date(Number(eventTime?.seconds ?? 0) * 1000).toISOString();
    const isNewer =
      !newest || generation > newest.generation || (generation === newest.generation && version > newest.version);
    if (isNewer) newest = { id: workflowId.slice(workflowId.indexOf('-') + 1), generation, version, status, at };
  }
  return newest;
}
