// One deployment of a release: its id, its steps, and what it tells. Ids, codes, times and counts only.
import { defineQuery } from '@temporalio/workflow';
import type { RecoveryProgress } from './recovery-progress';
import type { HealthReport, ReleaseDetails } from './releases';

export const deploymentWorkflowId = (deploymentId: string) => `deployment-${deploymentId}`;

export interface DeploymentInput {
  /** A UUIDv7. */
  deploymentId: string;
  /** The version to roll out; its release is in place. */
  to: string;
}

export type DeploymentStep =
  | 'plan'
  | 'migrate'
  | 'workers'
  | 'trial'
  | 'current'
  | 'api'
  | 'watch'
  | 'drain'
  | 'undo_api'
  | 'undo_current'
  | 'undo_trial'
  | 'undo_workers'
  | 'undo_migrate';

export interface DeploymentPlan {
  from: ReleaseDetails;
  to: ReleaseDetails;
  /** Names of those to apply, the oldest first. */
  migrations: string[];
  /** Open runs, by type; all were replayed with the workflows of `to`. */
  workflows: Record<string, number>;
}

export interface DeploymentResult {
  plan: DeploymentPlan;
  health: HealthReport | null;
  /** The version that serves in the end. */
  serving: string;
  /** Whether no run is left on the earlier release, and its workers have ended. */
  drained: boolean;
}

export const plan = defineQuery<DeploymentPlan | null>('plan');
export const progress = defineQuery<RecoveryProgress<DeploymentStep, DeploymentResult>>('progress');
