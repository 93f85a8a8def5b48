// Asks Temporal for runs that take too long, and for the last ones that ended well: each one bounded question, by its index.
import type { Client } from '@temporalio/client';
import { DURATION_BUDGETS, SCHEDULED_PROCESSES } from '../workflows/contracts/duration-budgets';

const ANSWERS_WITHIN_MS = 2_000;

export interface Run {
  process: string;
  workflowId: string;
  since: Date;
}

/**
 * Returns the runs that are over their budget, of each process at most `most`. Throws if one question is not answered: what
 * nobody could ask is not none.
 */
export async function readOverBudget(temporal: Client, most: number, budgets = DURATION_BUDGETS): Promise<Run[]> {
  const found = await Promise.all(
    Object.entries(budgets).map(async ([process, seconds]) => {
      const before = new Date(Date.now() - seconds * 1000).toISOString();
      const open = `WorkflowType = '${process}' AND ExecutionStatus = 'Running' AND StartTime < '${before}'`;
      const executions = await list(temporal, open, most);
      return executions.map(({ execution, startTime }) => ({
        process,
        workflowId: execution?.workflowId ?? '',
        since: new Date(Number(startTime?.seconds ?? 0) * 1000),
      }));
    }),
  );
  return found.flat();
}

/** When a run of each scheduled process last ended well, in seconds since 1970; NaN: none that Temporal still knows. */
export async function readLastCompleted(temporal: Client): Promise<Map<string, number>> {
  const found = await Promise.all(
    SCHEDULED_PROCESSES.map(async (process) => {
      // The newest comes first.
      const [last] = await list(temporal, `WorkflowType = '${process}' AND ExecutionStatus = 'Completed'`, 1);
      return [process, last?.closeTime?.seconds ? Number(last.closeTime.seconds) : Number.NaN] as const;
    }),
  );
  return new Map(found);
}

async function list(temporal: Client, query: string, pageSize: number) {
  const { namespace } = temporal.options;
  const { executions } = await temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, () =>
    temporal.workflowService.listWorkflowExecutions({ namespace, query, pageSize }),
  );
  return executions ?? [];
}
