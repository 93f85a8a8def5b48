// Every process. Where workers of two builds run side by side, one of minutes ends on the build that it began on; all others go
// on with the current one, by `patched` or by continue-as-new (worker/temporal-workers.ts).
import { setWorkflowOptions, workflowInfo } from '@temporalio/workflow';
import { adoption } from './adoption';
import { backup } from './backup';
import { clusterRetention } from './cluster-retention';

import { restore } from './restore';
import { restoreDrill } from './restore-drill';
import { reconcileRestore, undoRestore } from './restore-follow-up';

/** The server takes none of it from a worker that does not say which build it is. */
const pinned = () =>
  workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior: 'PINNED' as const } : {};

setWorkflowOptions(pinned, adoption);
setWorkflowOptions(pinned, backup);
setWorkflowOptions(pinned, restore);
setWorkflowOptions(pinned, reconcileRestore);
setWorkflowOptions(pinned, undoRestore);
setWorkflowOptions(pinned, restoreDrill);
setWorkflowOptions(pinned, clusterRetention);

export { auditRetention } from './audit-retention';
export { crmSync } from './crm-sync';
export { deployment } from './deployment';
export { draftApproval } from './draft-approval';
export { draftRetention } from './draft-retention';
export { mailDelivery } from './mail-delivery';
export { operations } from './operations';
export { personExport } from './person-export';
export { rollback } from './rollback';
export { userErasure } from './user-erasure';
export { adoption, backup, clusterRetention, reconcileRestore, restore, restoreDrill, undoRestore };
