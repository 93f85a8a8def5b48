// The activity of the mail lane (workflows/mail-delivery.ts); docs/architecture.md explains its protocol.
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { Alarm } from '../../ops/runtime/alarm';
import type { Configuration } from '../../ops/runtime/configuration';
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { Database } from '../../prisma/client';
import type { DeliveryResult } from '../../workflows/contracts/mail-delivery';
import type { Announcement } from '../commands/context';
import { rehashRecipients } from '../personal-data/rehash';
import { createSubjects } from '../personal-data/subject';
import { createAttempt } from './attempt';
import { createConnections } from './connections';
import type { SenderSettings } from './message';

const BEATS_EACH_MS = 500;

export interface MailDeliveryDependencies {
  db: Database;
  temporal: Client;
  files: Pick<ObjectStore, 'get'>;
  backups: Pick<ObjectStore, 'put'>;
  settings: Pick<Configuration, 'SMTP_URL'> & SenderSettings;
  /** Rings when a mail may be due. */
  alarm: Alarm;
  /** What has been committed and processes should hear of at once. */
  announce(announcement: Announcement): void;
  /** Aborted when this worker is asked to end. */
  stopping: AbortSignal;
}

export function createMailDeliveryActivities(dependencies: MailDeliveryDependencies) {
  const { db, settings } = dependencies;
  const connections = createConnections(settings.SMTP_URL);
  let isRehashed = false;

  /** Once a process, before its first claim: its keys may be newer than the drafts. */
  async function rehash(): Promise<void> {
    if (!isRehashed) await rehashRecipients(db, createSubjects(settings.SECRET_KEY));
    isRehashed = true;
  }

  return {
    /** Works for a minute, or waits ten for mail, then returns so that its history stays small. */
    async deliverMail(): Promise<DeliveryResult> {
      const context = Context.current();
      const { runId = '' } = context.info.workflowExecution ?? {};
      const ending = AbortSignal.any([context.cancellationSignal, dependencies.stopping]);
      const heartbeat = setInterval(() => context.heartbeat(), BEATS_EACH_MS);
      try {
        await rehash();
        const result = await createAttempt(dependencies, connections, runId, ending)();
        if (context.cancellationSignal.aborted) await context.cancelled;
        return result;
      } finally {
        clearInterval(heartbeat);
      }
    },
  };
}

export type MailDeliveryActivities = ReturnType<typeof createMailDeliveryActivities>;
