// Processes of what a restore has undone: their rows are gone, so nobody would ever tell them anything.
import type { Client } from '@temporalio/client';
import type { Database } from '../../prisma/client';
import { changed, type DraftState, draftApprovalId } from '../../workflows/contracts/draft-approval';
import { type ErasureState, userErasureId } from '../../workflows/contracts/user-erasure';

/** What a restore has undone is told of so: no row has this version. */
export const GONE_VERSION = 0;
const PAGE = 200;
const MONTH_MS = 30 * 86_400_000;

/** They hear, once, a state in which nothing is left to do. What has a row is left alone. */
export async function endGoneProcesses(db: Database, temporal: Client): Promise<void> {
  const { generation } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  const at = { generation, version: GONE_VERSION };
  const draft: DraftState = { ...at, status: 'erased', revision: 0, expiresAt: null, dueAt: null, outcome: null };
  // A deadline that is far off, or it would warn of it once more.
  const deadline = new Date(Date.now() + MONTH_MS).toISOString();
  const erasure: ErasureState = { ...at, status: 'cancelled', graceUntil: deadline, confirmed: false, deadline };
  await endGone(temporal, 'draftApproval', draftApprovalId, draft, async (ids) =>
    db.draft.findMany({ where: { id: { in: ids } }, select: { id: true } }),
  );
  await endGone(temporal, 'userErasure', userErasureId, erasure, async (ids) =>
    db.erasure.findMany({ where: { id: { in: ids } }, select: { id: true } }),
  );
}

async function endGone(
  temporal: Client,
  process: string,
  workflowId: (id: string) => string,
  end: DraftState | ErasureState,
  find: (ids: string[]) => Promise<{ id: string }[]>,
): Promise<void> {
  const prefix = workflowId('');
  const query = `WorkflowType = '${process}' AND ExecutionStatus = 'Running'`;
  let ids: string[] = [];
  const look = async () => {
    const there = new Set((await find(ids)).map(({ id }) => id));
    for (const id of ids.filter((one) => !there.has(one))) {
      // It may end by itself meanwhile.
      await temporal.workflow
        .getHandle(workflowId(id))
        .signal(changed.name, end)
        .catch(() => {});
    }
    ids = [];
  };
  for await (const run of temporal.workflow.list({ query, pageSize: PAGE })) {
    if (run.workflowId.startsWith(prefix) && ids.push(run.workflowId.slice(prefix.length)) === PAGE) await look();
  }
  await look();
}
