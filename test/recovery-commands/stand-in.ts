// STAND-IN: a worker on the queue `ops` that plays the tools; each step beats half of its way and waits while it is held.
import { Context } from '@temporalio/activity';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { quiet } from '../support/quiet-temporal';
import type { TestNamespace } from '../support/temporal';
import { until } from '../support/until';

export class StandIn {
  /** The names of steps that wait until they are let go. */
  readonly held = new Set<string>();
  readonly running = new Set<string>();
  private ended: Promise<void> = Promise.resolve();
  private worker: Worker | null = null;

  static async start(temporal: TestNamespace): Promise<StandIn> {
    const standIn = new StandIn();
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: require.resolve('./stand-in-workflows'),
      logger: quiet,
    });
    standIn.worker = await Worker.create({
      connection: await temporal.nativeConnection(),
      namespace: temporal.namespace,
      taskQueue: TASK_QUEUES.ops,
      workflowBundle,
      activities: { work: (what: string) => standIn.work(what) },
    });
    standIn.ended = standIn.worker.run();
    return standIn;
  }

  private async work(what: string): Promise<void> {
    this.running.add(what);
    Context.current().heartbeat({ done: 5_000_000, total: 10_000_000, unit: 'bytes' });
    await until(`${what} is let go`, () => !this.held.has(what));
    this.running.delete(what);
  }

  async stop(): Promise<void> {
    this.held.clear();
    this.worker?.shutdown();
    await this.ended;
  }
}
