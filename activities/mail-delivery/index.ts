// The activity of the mail lane (workflows/mail-delivery.ts); docs/architecture.md explains its protocol.
import { Context } from '@temporalio/activity';
import type { LaneResult } from '../../workflows/contracts/lane';
import { rehashRecipients } from '../personal-data/rehash';
import { createSubjects } from '../personal-data/subject';
import { createAttempt, type MailDeliveryDependencies } from './attempt';
import type { Unsettled } from './claims';
import { createConnections } from './connections';

const BEATS_EACH_MS = 500;

export function createMailDeliveryActivities(dependencies: MailDeliveryDependencies) {
  const { db, settings } = dependencies;
  const connections = createConnections(settings.SMTP_URL);
  const left: { unsettled: Unsettled | null } = { unsettled: null };
  let isRehashed = false;

  /** Once a process, before its first claim: its keys may be newer than the drafts. */
  async function rehash(): Promise<void> {
    if (!isRehashed) await rehashRecipients(db, createSubjects(settings.SECRET_KEY));
    isRehashed = true;
  }

  return {
    /** Works for a minute, or waits ten for mail, then returns so that its history stays small. */
    async deliverMail(): Promise<LaneResult> {
      const context = Context.current();
      const { runId = '' } = context.info.workflowExecution ?? {};
      const ending = AbortSignal.any([context.cancellationSignal, dependencies.stopping]);
      const heartbeat = setInterval(() => context.heartbeat(), BEATS_EACH_MS);
      try {
        await rehash();
        const result = await createAttempt(dependencies, connections, runId, left, ending)();
        if (context.cancellationSignal.aborted) await context.cancelled;
        return result;
      } finally {
        clearInterval(heartbeat);
      }
    },
  };
}

export type MailDeliveryActivities = ReturnType<typeof createMailDeliveryActivities>;
