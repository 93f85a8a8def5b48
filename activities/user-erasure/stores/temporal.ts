// Temporal: the approval processes of the person's drafts, with their histories. They hold ids and codes only, but go too.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { type Database, Prisma } from '../../../prisma/client';
import { draftApprovalId } from '../../../workflows/contracts/draft-approval';
import type { MentionIndex } from '../../mention-index';
import { isWrittenTo } from '../../mention-index/lookup';
import { IS_HELD } from '../../personal-data/erase-drafts';
import { isHeld } from './postgres/held-person';
import { idsOf } from './postgres/own-drafts';
import { NOTHING, type Person, type PersonalDataStore } from './store';

const ASKS_EACH_MS = 100;
const AT_ONCE = 8;

export interface TemporalStoreDependencies {
  db: Database;
  temporal: Client;
  index: Pick<MentionIndex, 'catchUp'>;
}

export function createTemporalStore({ db, temporal, index }: TemporalStoreDependencies): PersonalDataStore {
  async function preview(person: Person) {
    await index.catchUp(() => {});
    const [row] = await db.$queryRaw<{ free: number; held: number }[]>`
      SELECT count(*) FILTER (WHERE NOT held)::int AS free, count(*) FILTER (WHERE held)::int AS held
      FROM (SELECT ${IS_HELD} AS held FROM drafts d WHERE ${isWrittenTo(person.hashes)} AND d.needs_people) d`;
    const { free, held } = row ?? { free: 0, held: 0 };
    const withhold = (await isHeld(db, person)) ? free + held : held;
    return {
      ...NOTHING,
      erase: free + held - withhold,
      withhold,
      ground: withhold > 0 ? ('legal_hold' as const) : null,
    };
  }

  return {
    name: 'temporal',
    preview,
    async *export(person) {
      await index.catchUp(() => {});
      for await (const id of idsOf(db, Prisma.sql`${isWrittenTo(person.hashes)} AND d.needs_people`)) {
        yield { kind: 'workflow', workflowId: draftApprovalId(id) };
      }
    },
    /**
     * Of every draft that an erasure of this person has erased, one that was given up before this too: the audit trail knows
     * which, the rows no longer say whose they were.
     */
    async purge(person, beat) {
      const erased = await db.$queryRaw<{ id: string }[]>`
        SELECT e.subject_id AS id FROM audit_events e JOIN drafts d ON d.id = e.subject_id
        WHERE e.request_id IN (SELECT id FROM erasures WHERE subject_hashes && ${person.hashes}::bytea[])
          AND e.type = 'draft.erased' AND d.needs_people ORDER BY e.position`;
      let erase = 0;
      for (let i = 0; i < erased.length; i += AT_ONCE) {
        const removed = await Promise.all(
          erased.slice(i, i + AT_ONCE).map(({ id }) => removeExecutions(temporal, draftApprovalId(id), beat)),
        );
        erase += removed.filter(Boolean).length;
      }
      const { withhold, ground } = await preview(person);
      return { erase, anonymise: 0, withhold, ground };
    },
  };
}

/** Every run of this id. Deleting is asynchronous: done is what is no longer found. @returns whether there was any */
async function removeExecutions(temporal: Client, workflowId: string, beat: () => void): Promise<boolean> {
  const { namespace } = temporal.options;
  for (let wasThere = false; ; wasThere = true) {
    const description = await temporal.workflow.getHandle(workflowId).describe().catch(nullWhereGone);
    if (description === null) return wasThere;
    const workflowExecution = { workflowId, runId: description.runId };
    await temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution }).catch(nullWhereGone);
    beat();
    await delay(ASKS_EACH_MS);
  }
}

const NOT_FOUND = 5;

function nullWhereGone(error: unknown): null {
  if (error instanceof WorkflowNotFoundError || (error as { code?: unknown }).code === NOT_FOUND) return null;
  throw error;
}
