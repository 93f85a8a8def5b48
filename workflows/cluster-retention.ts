// Removes, once a day, the clusters that restores left behind more than UNDO_RETENTION_DAYS ago. An undo needs them until then.
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { ClusterRetentionActivities } from '../activities/cluster-retention';
import type { ClusterRetentionResult } from './contracts/cluster-retention';
import { exclusively } from './exclusively';
import { CLUSTER_REMOVAL } from './profiles';

const { removeLeftClusters } = proxyActivities<ClusterRetentionActivities>(CLUSTER_REMOVAL);

export async function clusterRetention(): Promise<ClusterRetentionResult> {
  setCurrentDetails('**Waiting** for the operations lock.');
  const removed = await exclusively('clusterRetention', () => {
    setCurrentDetails('**Removing** clusters that are older than UNDO_RETENTION_DAYS.');
    return removeLeftClusters();
  });
  setCurrentDetails(`**Done**: ${removed.length === 0 ? 'nothing was due' : `removed ${removed.join(', ')}`}.`);
  return { removed };
}
