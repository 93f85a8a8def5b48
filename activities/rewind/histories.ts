// What Temporal's histories say of drafts and erasures: the newest state that each process has heard of since a moment, by a
// message or by a step of its own.
import type { Client, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { changed, isNewer } from '../../workflows/contracts/draft-approval';
import { nullIfNotFound } from '../lane/journal';
import { GONE_VERSION } from '../outbox/gone-processes';

export interface KnownState {
  /** Of the draft, or of the erasure. */
  id: string;
  generation: number;
  version: number;
  status: string;
  at: string;
}

type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];
type State = Pick<KnownState, 'generation' | 'version' | 'status'>;
/** As the SDK's core records a local activity. */
const STEP = 'core_local_activity';
const PREFIXES = { draftApproval: 'draft-', userErasure: 'erasure-' };
const AT_ONCE = 8;

/** In batches. Of processes that run, and of those that have ended since; not of what an earlier restore had undone. */
export async function* readKnownStates(
  temporal: Client,
  process: keyof typeof PREFIXES,
  since: Date,
): AsyncIterable<KnownState[]> {
  const query = `WorkflowType = '${process}' AND (ExecutionStatus = 'Running' OR CloseTime >= '${since.toISOString()}')`;
  let batch: { workflowId: string; runId: string }[] = [];
  const read = async () => {
    const states = await Promise.all(batch.map((run) => readNewest(temporal, run)));
    batch = [];
    return states.filter(
      (state): state is KnownState => state !== null && state.version !== GONE_VERSION && new Date(state.at) >= since,
    );
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
): Promise<KnownState | null> {
  const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory().catch(nullIfNotFound);
  let newest: KnownState | null = null;
  for (const event of history?.events ?? []) {
    const state = stateIn(event);
    if (!state) continue;
    if (newest && !isNewer(state, newest)) continue;
    const { generation, version, status } = state;
    const at = new Date(Number(event.eventTime?.seconds ?? 0) * 1000).toISOString();
    newest = { id: workflowId.slice(workflowId.indexOf('-') + 1), generation, version, status, at };
  }
  return newest;
}

/** A step answers other things too. */
function stateIn(event: HistoryEvent): State | null {
  const { workflowExecutionSignaledEventAttributes: signal, markerRecordedEventAttributes: marker } = event;
  const told = signal?.signalName === changed.name ? signal.input : null;
  const answered = marker?.markerName === STEP ? marker.details?.result : null;
  const [payload] = (told ?? answered)?.payloads ?? [];
  const state = payload ? defaultPayloadConverter.fromPayload<Partial<State> | null>(payload) : null;
  return typeof state?.generation === 'number' && typeof state.version === 'number' ? (state as State) : null;
}
