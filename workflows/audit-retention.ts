// The daily retention of the audit trail: it is verified, then its oldest events go, batch by batch, each with its checkpoint.
import {
  type ActivityOptions,
  continueAsNew,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { AuditRetentionActivities } from '../activities/audit-retention';
import type { RestorePointActivities } from '../activities/restore-points';
import { type AuditRetentionInput, type AuditRetentionProgress, progress } from './contracts/audit-retention';
import { exclusivelyInTurns } from './exclusively';
import { newId } from './new-id';
import { DATABASE_BATCH, HELD_BATCH, HELD_CHECK, LONG_CHECK } from './profiles';

const { markRestorePoint } = proxyActivities<RestorePointActivities>(HELD_BATCH);
const ALONE = stepsWith(LONG_CHECK, DATABASE_BATCH);
const HELD = stepsWith(HELD_CHECK, HELD_BATCH);

function stepsWith(check: ActivityOptions, batch: ActivityOptions) {
  const { verifyAudit } = proxyActivities<AuditRetentionActivities>(check);
  const { pruneAudit, forgetOldAnchors } = proxyActivities<AuditRetentionActivities>(batch);
  return { verifyAudit, pruneAudit, forgetOldAnchors };
}

const BATCHES_A_RUN = 200;

export async function auditRetention(input: AuditRetentionInput = {}): Promise<AuditRetentionProgress> {
  let state: AuditRetentionProgress = { status: 'verifying', before: input.before ?? null, pruned: input.pruned ?? 0 };
  const show = (changes: Partial<AuditRetentionProgress>) => {
    state = { ...state, ...changes };
    setCurrentDetails(`**${state.status}**: ${state.pruned} events before ${state.before ?? '…'} pruned.`);
  };
  setHandler(progress, () => state);
  show({});

  async function prune(steps: typeof ALONE, id?: string): Promise<AuditRetentionProgress> {
    // A trail that is not whole keeps its evidence: this fails, and nothing is pruned.
    const before = input.before ?? (await steps.verifyAudit());
    show({ status: 'pruning', before });
    if (id !== undefined) await markRestorePoint({ process: 'auditRetention', id });
    for (let batches = 0; ; batches++) {
      if (batches >= BATCHES_A_RUN || workflowInfo().continueAsNewSuggested) {
        const onwards = { before, pruned: state.pruned };
        return continueAsNew<typeof auditRetention>(id === undefined ? onwards : { ...onwards, id });
      }
      const { events, isMore } = await steps.pruneAudit(before);
      show({ pruned: state.pruned + events });
      if (!isMore) break;
    }
    await steps.forgetOldAnchors();
    show({ status: 'done' });
    return state;
  }

  if (!patched('exclusive-audit-retention')) return prune(ALONE);
  const id = input.id ?? newId();
  return exclusivelyInTurns('auditRetention', () => prune(HELD, id));
}
