// The mail lane: one long-lived process whose one retrying activity carries out what PostgreSQL says is due.
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { MailDeliveryActivities } from '../activities/mail-delivery';
import {
  claimed,
  type LaneInput,
  type OperatorCall,
  type Paused,
  pause,
  resume,
  retryNow,
  state,
} from './contracts/lane';
import { describeLane } from './mail-delivery-details';
import { MAIL_LANE } from './profiles';

const { deliverMail } = proxyActivities<MailDeliveryActivities>(MAIL_LANE);

export async function mailDelivery({ paused: given = null, report = null }: LaneInput = {}): Promise<never> {
  let paused = given && withoutWords(given);
  let attempt: CancellationScope | null = null;
  const now = () => new Date().toISOString();
  const show = () => setCurrentDetails(describeLane({ paused, report }));

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
      await attempt.run(() => deliverMail());
      break;
    } catch (error) {
      // Paused, or asked to try again at once; to cancel the workflow itself ends it.
      if (!isCancellation(error) || !attempt.consideredCancelled || CancellationScope.current().consideredCancelled)
        throw error;
      if (workflowInfo().continueAsNewSuggested) break;
    } finally {
      attempt = null;
    }
  }
  await condition(allHandlersFinished);
  return continueAsNew<typeof mailDelivery>({ paused, report });
}

/** Keeps the ids alone. An older build, or an operator in the Web UI, may have put a reason beside them: it is not handed on. */
const withoutWords = ({ actor, note, since }: Paused): Paused => ({ actor, ...(note ? { note } : {}), since });
