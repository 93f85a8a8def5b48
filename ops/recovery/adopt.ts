// Implements `ops/restore.sh --adopt`: starts or continues the adoption of the database, and asks the operator.
import type { Client } from '@temporalio/client';
import { readHeld } from '../../activities/continuity/hold';
import { readDatabaseId } from '../../activities/continuity/neighbours';
import { withDatabase } from '../../activities/restore/rewound';
import {
  type AdoptedAs,
  type AdoptionResult,
  abort,
  adoptionQueue,
  adoptionWorkflowId,
  confirmAdoption,
} from '../../workflows/contracts/adoption';
import { readAuditSettings } from '../audit/settings';
import { CommandFailed, printDocument, WrongUsage } from '../command';
import { findDatabaseTrouble } from '../runtime/database-trouble';
import { isPolled } from '../runtime/pollers';
import { describeAdopted, describeAdoption } from './adopt-words';
import { askYesNo } from './ask';
import { EXIT } from './exit';
import { documentOf, exitCodeOf, follow } from './follow';
import { createProgressView } from './progress-view';
import { OPERATOR } from './restore-actions';
import { connect } from './running';
import { type Run, startAdoption } from './runs';

export interface AdoptOptions {
  moved: boolean;
  clone: boolean;
  yes: boolean;
  json: boolean;
}

const ANSWERS_WITHIN_MS = 2_000;
const AGAIN = 'ops/restore.sh --adopt';

export async function adopt({ moved, clone, yes, json }: AdoptOptions): Promise<number> {
  if (moved && clone) throw new WrongUsage('--moved and --clone are one or the other.');
  const as: AdoptedAs = moved ? 'moved' : clone ? 'clone' : 'rewound';
  const { databaseId, heldAt } = await findDatabase();
  const temporal = await connect();
  const queue = adoptionQueue(databaseId);
  await requireWorker(temporal, queue);
  const workflowId = adoptionWorkflowId(databaseId);
  await startAdoption(temporal, { workflowId, queue, as, heldAt, yes });
  const view = createProgressView();
  const handle = temporal.workflow.getHandle(workflowId);
  const run = (await follow({
    temporal,
    workflowId,
    title: 'The adoption',
    again: AGAIN,
    view,
    async decide({ result }) {
      const planned = (result as AdoptionResult | null)?.plan ?? null;
      if (planned && (planned.as !== as || planned.heldAt !== heldAt)) {
        await handle.signal(abort, { actor: OPERATOR });
        throw new CommandFailed(
          'adoption_running',
          'Another adoption waited for its answer, which no longer fits. It has been given up: call this again.',
          EXIT.refused,
        );
      }
      for (const line of describeAdoption(planned)) view.say(line);
      const word = yes || (await askYesNo('adopt this database?'));
      if (word === null) {
        throw new CommandFailed(
          'unanswered',
          `Nobody answered, so it waits. To answer: ${AGAIN}, to adopt: ${AGAIN} --yes`,
        );
      }
      await handle.signal(word ? confirmAdoption : abort, { actor: OPERATOR });
    },
  })) as Run<string, AdoptionResult>;
  if (json) printDocument(documentOf(run.result?.adoptionId ?? '', run));
  else console[run.status === 'done' ? 'log' : 'error'](describeAdopted(run));
  return exitCodeOf(run);
}

/** Reads which database is meant, by the environment, else by what `npm start` runs, and since when its mail is held. */
async function findDatabase(): Promise<{ databaseId: string | null; heldAt: string | null }> {
  const { DATABASE_URL } = readAuditSettings();
  const trouble = await findDatabaseTrouble(DATABASE_URL, { migrated: true });
  if (trouble) throw new CommandFailed('database_unavailable', trouble.message);
  return withDatabase(DATABASE_URL, async (db) => ({
    databaseId: await readDatabaseId(db),
    heldAt: (await readHeld(db))?.at.toISOString() ?? null,
  }));
}

async function requireWorker(temporal: Client, taskQueue: string): Promise<void> {
  if (await isPolled(temporal, { taskQueue, type: 'activities', answersWithinMs: ANSWERS_WITHIN_MS })) return;
  throw new CommandFailed(
    'no_worker',
    'No worker of this database is there: start one (npm start, or npm run start:worker), and look into its log.',
  );
}
