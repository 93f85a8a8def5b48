// What a backup, a restore and a drill tell of themselves while they run and when they have ended: to their query, and to who
// looks into the Web UI. Whatever fails ends them with a code and a sentence, and as a failed execution.
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  setCurrentDetails,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import {
  ABORTED,
  REFUSED,
  type RecoveryProblem,
  type RecoveryProgress,
  type RecoveryStatus,
} from './contracts/recovery-progress';

export interface ProgressKeeper<Step extends string, Result> {
  read(): RecoveryProgress<Step, Result>;
  show(changes: Partial<RecoveryProgress<Step, Result>>): void;
  step<T>(step: Step, work: () => Promise<T>): Promise<T>;
  /** The whole of it. */
  untilEnd(work: () => Promise<Result>): Promise<Result>;
}

export function keepProgress<Step extends string, Result>(title: string): ProgressKeeper<Step, Result> {
  let told: RecoveryProgress<Step, Result> = {
    status: 'waiting',
    startedAt: workflowInfo().startTime.toISOString(),
    finishedAt: null,
    steps: [],
    result: null,
    problem: null,
  };
  const show = (changes: Partial<typeof told>) => {
    told = { ...told, ...changes };
    setCurrentDetails(describe(title, told));
  };
  const end = (changes: Partial<typeof told>) => show({ finishedAt: new Date().toISOString(), ...changes });
  show({});
  return {
    read: () => told,
    show,
    async step(step, work) {
      const begun = { step, startedAt: new Date().toISOString(), finishedAt: null };
      show({ steps: [...told.steps, begun] });
      const result = await work();
      const finishedAt = new Date().toISOString();
      show({ steps: told.steps.map((one) => (one.step === step ? { ...one, finishedAt } : one)) });
      return result;
    },
    async untilEnd(work) {
      try {
        const result = await work();
        end({ status: 'done', result });
        return result;
      } catch (error) {
        // What was cancelled may have failed by itself at the same moment.
        if (isCancellation(error) || CancellationScope.current().consideredCancelled) {
          end({ status: 'aborted' });
          throw isCancellation(error) ? error : new CancelledFailure('It was cancelled');
        }
        const problem = toProblem(error);
        const status = statusOf(problem, error);
        end({ status, problem });
        throw ApplicationFailure.nonRetryable(
          problem.message,
          problem.code,
          ...(status === 'refused' ? [REFUSED] : []),
        );
      }
    },
  };
}

function statusOf({ code }: RecoveryProblem, error: unknown): RecoveryStatus {
  if (code === ABORTED) return 'aborted';
  return isRefusal(error) ? 'refused' : 'failed';
}

/** An activity that refused before anything was touched says so in its failure's details. */
export function isRefusal(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.details?.[0] === REFUSED;
}

/** An activity's own words stand in its cause; a timeout may have those of its last attempt. */
export function toProblem(error: unknown): RecoveryProblem {
  if (error instanceof ApplicationFailure) return { code: error.type ?? 'failed', message: error.message };
  if (error instanceof ActivityFailure) return toProblem(error.cause);
  if (error instanceof TimeoutFailure) {
    if (error.cause instanceof ApplicationFailure) return toProblem(error.cause);
    return {
      code: 'not_carried_out',
      message: `No worker that has what it needs carried it out in time (${error.timeoutType}): start the worker on the host of the database`,
    };
  }
  return { code: 'failed', message: error instanceof Error ? error.name : 'unknown' };
}

function describe(title: string, { status, steps, problem }: RecoveryProgress<string, unknown>): string {
  const lines = steps.map(({ step, startedAt, finishedAt }) =>
    finishedAt ? `- ${step}: ${seconds(startedAt, finishedAt)} s` : `- **${step}** since ${startedAt}`,
  );
  const why = problem ? `\n\n\`${problem.code}\`: ${problem.message}` : '';
  return `**${status.replace('_', ' ')}**: ${title}\n\n${lines.join('\n')}${why}`;
}

const seconds = (from: string, to: string) => Math.round((Date.parse(to) - Date.parse(from)) / 1000);
