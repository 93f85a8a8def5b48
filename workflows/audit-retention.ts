// The daily retention of the audit trail: it is verified, then its oldest events go, batch by batch, each with its checkpoint.
import { continueAsNew, proxyActivities, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { AuditRetentionActivities } from '../activities/audit-retention';
import { type AuditRetentionInput, type AuditRetentionProgress, progress } from './contracts/audit-retention';
import { DATABASE_BATCH, LONG_CHECK } from './profiles';

const { verifyAudit } = proxyActivities<AuditRetentionActivities>(LONG_CHECK);
const { pruneAudit, forgetOldAnchors } = proxyActivities<AuditRetentionActivities>(DATABASE_BATCH);

const BATCHES_A_RUN = 200;

export async function auditRetention(input: AuditRetentionInput = {}): Promise<AuditRetentionProgress> {
  let state: AuditRetentionProgress = { status: 'verifying', before: input.before ?? null, pruned: input.pruned ?? 0 };
  const show = (changes: Partial<AuditRetentionProgress>) => {
    state = { ...state, ...changes };
    setCurrentDetails(`**${state.status}**: ${state.pruned} events before ${state.before ?? '…'} pruned.`);
  };
  setHandler(progress, () => state);
  show({});

  // A trail that is not whole keeps its evidence: this fails, and nothing is pruned.
  const before = input.before ?? (await verifyAudit());
  show({ status: 'pruning', before });
  for (let batches = 0; ; batches++) {
    if (batches >= BATCHES_A_RUN || workflowInfo().continueAsNewSuggested) {
      return continueAsNew<typeof auditRetention>({ before, pruned: state.pruned });
    }
    const { events, isMore } = await pruneAudit(before);
    show({ pruned: state.pruned + events });
    if (!isMore) break;
  }
  await forgetOldAnchors();
  show({ status: 'done' });
  return state;
}
