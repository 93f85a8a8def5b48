// Who is at work of those that exclude each other: backup, restore, retention, erasure.
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import { type Holder, OPERATIONS_ID, state } from '../../workflows/contracts/operations';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { Problem } from '../problems';

const ANSWERS_WITHIN_MS = 3_000;

const Operations = z
  .object({
    holder: z
      .object({
        process: z.string().meta({ description: 'The name of its workflow, like `backup` or `userErasure`' }),
        workflowId: z.string(),
        since: z.iso.datetime(),
      })
      .nullable()
      .meta({ description: 'Null: nobody' }),
  })
  .meta({ id: 'Operations' });

export function operationsEndpoints({ temporal }: Pick<AppDependencies, 'temporal'>): Endpoint[] {
  return [
    endpoint({
      tag: 'Operations',
      method: 'get',
      path: '/api/ops/operations',
      summary: 'Who holds the operations lock',
      description: 'Backup, restore, retention and erasure exclude each other: others wait until it is free.',
      roles: ['admin', 'ops'],
      answer: { status: 200, description: 'The one that is at work', body: Operations },
      problems: ['processes-unavailable'],
      async handle() {
        const holder = await askHolder(temporal);
        return { holder: holder && { process: holder.process, workflowId: holder.workflowId, since: holder.since } };
      },
    }),
  ];
}

async function askHolder(temporal: Client): Promise<Holder | null> {
  try {
    return await temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, () =>
      temporal.workflow.getHandle(OPERATIONS_ID).query(state),
    );
  } catch (cause) {
    // The first that needs it makes it.
    if (cause instanceof WorkflowNotFoundError) return null;
    const detail = 'Temporal does not answer, or no worker runs; try again.';
    throw new Problem('processes-unavailable', detail, { headers: { 'Retry-After': '1' }, cause });
  }
}
