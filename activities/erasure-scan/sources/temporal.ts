// Reads every workflow execution that the namespace can still show, open and closed: its description with memo, search
// attributes, summaries and pending activities, and its history event by event, all texts and bytes of them.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { ScanItem, ScanSource } from '../report';

const AT_ONCE = 8;
const PAGE = 200;
const NOT_FOUND = 5;
const DECOY = 'scan-decoy-';
const FORGOTTEN_AFTER_SECONDS = 3_600;
const LISTED_WITHIN_MS = 30_000;
const ASKS_EACH_MS = 100;

interface Execution {
  workflowId: string;
  runId: string;
}

export function createTemporalSource(client: Pick<Client, 'workflowService'>, namespace: string): ScanSource {
  const { workflowService } = client;

  async function* executions(): AsyncIterable<Execution> {
    const list = (nextPageToken: Uint8Array | null) =>
      workflowService.listWorkflowExecutions({ namespace, pageSize: PAGE, nextPageToken });
    let next: Uint8Array | null = null;
    do {
      const page: Awaited<ReturnType<typeof list>> = await list(next);
      for (const { execution } of page.executions ?? []) {
        yield { workflowId: execution?.workflowId ?? '', runId: execution?.runId ?? '' };
      }
      next = page.nextPageToken;
    } while (next?.length);
  }

  const history = (execution: Execution, nextPageToken: Uint8Array | null = null) =>
    workflowService.getWorkflowExecutionHistory({ namespace, execution, nextPageToken });

  /** Null where its retention has ended since it was listed. */
  async function read(execution: Execution): Promise<ScanItem | null> {
    try {
      const [description, first] = await Promise.all([
        workflowService.describeWorkflowExecution({ namespace, execution }),
        history(execution),
      ]);
      return { place: execution.workflowId, chunks: chunksOf(execution, description, first) };
    } catch (error) {
      if ((error as { code?: number }).code === NOT_FOUND) return null;
      throw error;
    }
  }

  async function* chunksOf(
    execution: Execution,
    description: object,
    first: Awaited<ReturnType<typeof history>>,
  ): AsyncIterable<Uint8Array> {
    yield Buffer.concat(bytesOf(description));
    for (let page = first; ; page = await history(execution, page.nextPageToken)) {
      yield Buffer.concat(bytesOf(page.history));
      if (!page.nextPageToken?.length) return;
    }
  }

  const removeExecution = (workflowId: string) =>
    workflowService
      .deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } })
      .catch((error: { code?: number }) => {
        if (error.code !== NOT_FOUND) throw error;
      });

  return {
    name: 'temporal',
    async plant(decoy) {
      const workflowId = `${DECOY}${randomUUID()}`;
      const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(JSON.stringify(decoy)) };
      await workflowService.startWorkflowExecution({
        namespace,
        workflowId,
        requestId: randomUUID(),
        workflowType: { name: 'scanDecoy' },
        taskQueue: { name: 'scan-decoys' },
        input: { payloads: [payload] },
        memo: { fields: { to: payload } },
        workflowRunTimeout: { seconds: FORGOTTEN_AFTER_SECONDS as never },
      });
      await workflowService.terminateWorkflowExecution({
        namespace,
        workflowExecution: { workflowId },
        reason: 'planted',
      });
      // As ended: one that is listed as running still moves between the pages of a list.
      const query = `WorkflowId = '${workflowId}' AND ExecutionStatus = 'Terminated'`;
      for (const deadline = Date.now() + LISTED_WITHIN_MS; ; await delay(ASKS_EACH_MS)) {
        const { executions: listed } = await workflowService.listWorkflowExecutions({ namespace, query });
        if (listed?.length || Date.now() > deadline) break;
      }
      // Once in its description, and in the first event of its history as input and as memo.
      return {
        places: new Map([[workflowId, 3]]),
        items: 1,
        remove: async () => void (await removeExecution(workflowId)),
      };
    },
    async *read() {
      const begun: Promise<ScanItem | null>[] = [];
      try {
        for await (const execution of executions()) {
          const item = read(execution);
          // It is awaited in its turn, and one before it may fail first.
          item.catch(() => {});
          begun.push(item);
          if (begun.length < AT_ONCE) continue;
          const next = await begun.shift();
          if (next) yield next;
        }
        for (const item of begun) {
          const next = await item;
          if (next) yield next;
        }
      } finally {
        await Promise.allSettled(begun);
      }
    },
  };
}

/** All texts and bytes of a message, a line's end after each. */
function bytesOf(value: unknown): Uint8Array[] {
  if (typeof value === 'string') return [Buffer.from(`${value}\n`)];
  if (value instanceof Uint8Array) return [value, Buffer.from('\n')];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, part]) => [Buffer.from(`${name}\n`), ...bytesOf(part)]);
}
