// Asks Temporal for the runs that are over their budget: one bounded question a process, by its index.
import type { Client } from '@temporalio/client';
import { DURATION_BUDGETS } from '../../workflows/contracts/duration-budgets';
import { MOST_ITEMS, type StuckItem } from './item';

const ANSWERS_WITHIN_MS = 2_000;

/** Throws if one question is not answered: what nobody could ask is not none. */
export async function readOverBudget(temporal: Client, budgets = DURATION_BUDGETS): Promise<StuckItem[]> {
  const found = await temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, () =>
    Promise.all(Object.entries(budgets).map(([process, seconds]) => readRuns(temporal, process, seconds))),
  );
  return found.flat();
}

async function readRuns(temporal: Client, process: string, budgetSeconds: number): Promise<StuckItem[]> {
  const before = new Date(Date.now() - budgetSeconds * 1000).toISOString();
  const query = `WorkflowType = '${process}' AND ExecutionStatus = 'Running' AND StartTime < '${before}'`;
  const { namespace } = temporal.options;
  const { executions } = await temporal.workflowService.listWorkflowExecutions({
    namespace,
    query,
    pageSize: MOST_ITEMS + 1,
  });
  return (executions ?? []).map(({ execution, startTime }) => {
    const id = execution?.workflowId ?? '';
    return {
      process,
      id,
      workflowId: id,
      service: 'worker',
      since: new Date(Number(startTime?.seconds ?? 0) * 1000),
      attempts: 0,
      code: 'over_budget',
      nextAttemptAt: null,
      deadline: null,
    };
  });
}
