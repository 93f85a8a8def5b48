// Runs a lane: one long-lived process whose one retrying activity carries out what PostgreSQL says is due for one service.
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  claimed,
  type LaneInput,
  type LaneResult,
  type OperatorCall,
  type Paused,
  pause,
  resume,
  retryNow,
  state,
} from './contracts/lane';
import { describeLane } from './lane-details';

/** @param carryOut the lane's activity
 *  @param service as operators read of it: "The … fails" */
export async function runLane(
  { paused: given = null, report = null }: LaneInput,
  carryOut: () => Promise<LaneResult>,
  service: string,
): Promise<never> {
  let paused = given && withoutWords(given);
  let attempt: CancellationScope | null = null;
  const now = () => new Date().toISOString();
  const show = () => setCurrentDetails(describeLane({ paused, report }, service));

  setHandler(claimed, ({ ids: _, ...news }) => {
    const mark = news.mark ?? report?.mark;
    report = { ...news, ...(mark ? { mark } : {}), at: now() };
    show();
  });
  setHandler(pause, (call: OperatorCall) => {
    paused ??= withoutWords({ ...call, since: now() });
    attempt?.cancel();
    show();
  });
  setHandler(resume, () => {
    paused = null;
    show();
  });
  setHandler(retryNow, () => attempt?.cancel());
  setHandler(state, () => ({ paused, report }));
  show();

  for (;;) {
    await condition(() => paused === null);
    attempt = new CancellationScope();
    try {
      await attempt.run(carryOut);
      break;
    } catch (error) {
      // Paused, or asked to try again at once, however the attempt took it: one that was just failing ends as failed, one whose
      // worker is gone as timed out. To cancel the workflow itself ends it.
      if (!attempt.consideredCancelled || CancellationScope.current().consideredCancelled) throw error;
      if (workflowInfo().continueAsNewSuggested) break;
    } finally {
      attempt = null;
    }
  }
  await condition(allHandlersFinished);
  return continueAsNew<(input: LaneInput) => Promise<never>>({ paused, report });
}

/** Keeps the ids alone. An older build, or an operator in the Web UI, may have put a reason beside them: it is not handed on. */
const withoutWords = ({ actor, note, since }: Paused): Paused => ({ actor, ...(note ? { note } : {}), since });
