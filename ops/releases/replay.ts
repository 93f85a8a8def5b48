// Replays every open history with this release's workflows, and prints which of them it can't continue. A deployment or
// rollback runs it in the folder of the release that is to take over.
import type { Client } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils';
import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { WORKFLOW_BUNDLE } from '../../worker/bundle';
import { workflowSinks } from '../../worker/workflow-sinks';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { type Command, printDocument, runCommand, WrongUsage } from '../command';
import { EXIT } from '../recovery/exit';
import { NO_TELEMETRY } from '../runtime/telemetry';
import { openTemporalClient } from '../runtime/temporal';

export interface ReplayReport {
  /** Open runs, by the type of their workflow. */
  open: Record<string, number>;
  /** At most this many are listed; `failed` counts them all. */
  failures: { workflowId: string; workflowType: string }[];
  failed: number;
}

const MOST_LISTED = 20;
const AT_ONCE = 8;
/** A deployment or rollback runs on the code of its own host. */
const OPEN = `ExecutionStatus = 'Running' AND TaskQueue != '${TASK_QUEUES.releases}'`;

export const replayCommand: Command = {
  help: `Replays every open workflow with the workflows of this release.

  node dist/ops/releases/replay.js

Prints one JSON document. Exit codes: 0 all can go on, 1 failed, 3 some can't.`,
  usage: 'node dist/ops/releases/replay.js',
  failed: EXIT.failed,
  async run(args) {
    if (args.length > 0) throw new WrongUsage('It takes no options.');
    const temporal = openTemporalClient();
    try {
      const report = await replayOpen(temporal);
      printDocument(report);
      return report.failed === 0 ? EXIT.done : EXIT.refused;
    } finally {
      await temporal.connection.close();
    }
  },
};

/** Throws while Temporal is away. A run that ends meanwhile is left out. */
export async function replayOpen(temporal: Client, codePath = WORKFLOW_BUNDLE): Promise<ReplayReport> {
  const report: ReplayReport = { open: {}, failures: [], failed: 0 };
  const types = new Map<string, string>();
  async function* histories() {
    const open = temporal.workflow.list({ query: OPEN });
    for await (const { workflowId, history } of open.intoHistories({ concurrency: AT_ONCE })) {
      const { events } = history as History;
      const type = events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name ?? 'unknown';
      types.set(workflowId, type);
      report.open[type] = (report.open[type] ?? 0) + 1;
      yield { workflowId, history };
    }
  }
  const options = { workflowBundle: { codePath }, sinks: workflowSinks(NO_TELEMETRY) };
  for await (const { workflowId, error } of Worker.runReplayHistories(options, histories())) {
    const workflowType = types.get(workflowId) ?? 'unknown';
    types.delete(workflowId);
    if (!error) continue;
    report.failed += 1;
    if (report.failures.length < MOST_LISTED) report.failures.push({ workflowId, workflowType });
  }
  return report;
}

if (require.main === module) {
  // The SDK's own lines would stand among the document. Its core writes them to standard output unless they are forwarded.
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => {}),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) },
    },
  });
  runCommand(replayCommand);
}
