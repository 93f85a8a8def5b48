// The steps of a backup, a restore or a drill as they are told: which has begun, which has ended, and how it all came out.

import type { QueryDefinition } from '@temporalio/workflow';
import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { RecoveryProblem, RecoveryProgress, RecoveryStatus } from './contracts/recovery-progress';

export interface StepTracker<Step extends string, Result> {
  is(status: RecoveryStatus): void;
  step<T>(step: Step, work: () => Promise<T>): Promise<T>;
  end(status: RecoveryStatus, result?: Result | null, problem?: RecoveryProblem | null): void;
}

/** @param title for the Web UI, in Markdown */
export function trackSteps<Step extends string, Result>(
  query: QueryDefinition<RecoveryProgress<Step, Result>>,
  title: string,
): StepTracker<Step, Result> {
  const now = () => new Date().toISOString();
  const known: RecoveryProgress<Step, Result> = {
    status: 'waiting',
    startedAt: now(),
    finishedAt: null,
    steps: [],
    result: null,
    problem: null,
  };
  const show = () => setCurrentDetails(describe(title, known));
  setHandler(query, () => known);
  show();
  return {
    is(status) {
      known.status = status;
      show();
    },
    async step(step, work) {
      const begun = { step, startedAt: now(), finishedAt: null as string | null };
      known.steps.push(begun);
      show();
      const done = await work();
      begun.finishedAt = now();
      show();
      return done;
    },
    end(status, result = null, problem = null) {
      Object.assign(known, { status, result: result ?? known.result, problem, finishedAt: now() });
      show();
    },
  };
}

/** A stable code and a sentence, of whatever a step threw. */
export function problemOf(error: unknown): RecoveryProblem {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (isCancellation(error)) return { code: 'cancelled', message: 'It was cancelled.' };
  if (cause instanceof ApplicationFailure) {
    const [code] = cause.details ?? [];
    return { code: typeof code === 'string' ? code : (cause.type ?? 'failed'), message: cause.message };
  }
  return { code: 'failed', message: 'A step took too long or its worker was lost too often: see its activity.' };
}

/** Whether a step refused, with nothing touched. */
export const isRefusal = (error: unknown, type: string): boolean =>
  error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === type;

function describe<Step extends string, Result>(title: string, known: RecoveryProgress<Step, Result>): string {
  const steps = known.steps.map(
    ({ step, startedAt, finishedAt }) =>
      `- ${finishedAt ? '✔' : '…'} ${step} (since ${startedAt}${finishedAt ? `, until ${finishedAt}` : ''})`,
  );
  const problem = known.problem ? [`\n**${known.problem.code}**: ${known.problem.message}`] : [];
  return [`**${title}: ${known.status}**`, ...steps, ...problem].join('\n');
}
