// What a workflow's history costs: its events, its bytes, and what Temporal Cloud bills of it as Actions.
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';

export interface HistoryCost {
  events: number;
  bytes: number;
  actions: number;
  /** How many events of each type. */
  types: Record<string, number>;
}

/** Returns the means of these workflows. */
export async function costOfHistories(client: Client, workflowIds: string[]): Promise<HistoryCost> {
  const costs = await Promise.all(workflowIds.map((id) => costOf(client, id)));
  const mean = (of: (one: HistoryCost) => number) => costs.reduce((sum, one) => sum + of(one), 0) / costs.length;
  const types = [...new Set(costs.flatMap((one) => Object.keys(one.types)))];
  return {
    events: mean((one) => one.events),
    bytes: mean((one) => one.bytes),
    actions: mean((one) => one.actions),
    types: Object.fromEntries(types.map((type) => [type, mean((one) => one.types[type] ?? 0)])),
  };
}

interface Event {
  eventType: string;
  markerRecordedEventAttributes?: { workflowTaskCompletedEventId: string };
}

async function costOf(client: Client, workflowId: string): Promise<HistoryCost> {
  const handle = client.workflow.getHandle(workflowId);
  // Its mail may have come a moment before its end.
  await handle.result();
  const [{ raw }, history] = await Promise.all([handle.describe(), handle.fetchHistory()]);
  const { events } = JSON.parse(historyToJSON(history)) as { events: Event[] };
  const types: Record<string, number> = {};
  const tasksWithMarkers = new Set<string>();
  for (const { eventType, markerRecordedEventAttributes: marker } of events) {
    const type = eventType.replace('EVENT_TYPE_', '').toLowerCase();
    types[type] = (types[type] ?? 0) + 1;
    if (marker) tasksWithMarkers.add(marker.workflowTaskCompletedEventId);
  }
  const of = (type: string) => types[type] ?? 0;
  // A signal-with-start is one Action, the local activities of one workflow task are one.
  const actions =
    Math.max(of('workflow_execution_signaled'), 1) +
    of('timer_started') +
    of('upsert_workflow_search_attributes') +
    tasksWithMarkers.size;
  return {
    events: events.length,
    bytes: Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0),
    actions,
    types,
  };
}
