// How many events histories have.
import type { Client } from '@temporalio/client';

export async function eventsOfWorkflows(client: Client, workflowIds: string[]): Promise<number> {
  const descriptions = await Promise.all(workflowIds.map((id) => client.workflow.getHandle(id).describe()));
  return descriptions.reduce((sum, { historyLength }) => sum + historyLength, 0);
}

/** Counts the events of all runs of one workflow, the open one's among them. */
export async function eventsOfRuns(client: Client, workflowId: string): Promise<number> {
  let events = 0;
  for await (const { status, historyLength } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    // Visibility doesn't know how long an open history is.
    if (status.name !== 'RUNNING') events += historyLength;
  }
  const { status, historyLength } = await client.workflow.getHandle(workflowId).describe();
  return status.name === 'RUNNING' ? events + historyLength : events;
}
