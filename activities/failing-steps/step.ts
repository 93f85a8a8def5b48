// Names the step that an activity carries out, as the table of failing steps knows it.
import type { Info } from '@temporalio/activity';
import { HELD } from '../../workflows/contracts/operations';

export interface Step {
  workflowId: string;
  /** The activity's name, and of an erasure's step its store: `takeErasureStep.hubspot`. */
  step: string;
  /** The workflow's type. */
  process: string;
  isLocal: boolean;
}

/** A lane records its failures on its own row. */
const LANE_STEPS = /^lane-/;
/** Waiting for a lock is no trouble. */
const LOCK_STEPS = ['acquireOperations', 'releaseOperations'];
const NAME = /^[A-Za-z0-9_.:-]{1,200}$/;

/** Returns null for what is never recorded. */
export function stepOf(info: Info, args: readonly unknown[]): Step | null {
  const { workflowExecution, workflowType, activityType, isLocal } = info;
  const workflowId = workflowExecution?.workflowId ?? '';
  if (!workflowType || !NAME.test(workflowId) || LANE_STEPS.test(workflowId) || LOCK_STEPS.includes(activityType))
    return null;
  const part = (args[0] as { step?: unknown } | null | undefined)?.step;
  const step = typeof part === 'string' && NAME.test(part) ? `${activityType}.${part}` : activityType;
  return { workflowId, step, process: workflowType, isLocal };
}

/** The name of the activity that carries a step out. */
export const activityOf = (step: string): string => step.split('.', 1)[0] as string;

export const isWaitingForLock = (code: string) => code === HELD;
