// The activity of the mail lane (workflows/mail-delivery.ts); docs/architecture.md explains its protocol.
import type { Configuration } from '../../ops/runtime/configuration';
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { Telemetry } from '../../ops/runtime/telemetry';
import { MAIL_LANE } from '../../workflows/contracts/lane';
import type { LaneDependencies } from '../lane/attempt';
import type { Lane } from '../lane/lane';
import { createLaneActivity } from '../lane/lane-activity';
import { rehashRecipients } from '../personal-data/rehash';
import { createSubjects } from '../personal-data/subject';
import { createClaims } from './claims';
import { createConnections } from './connections';
import { createDelivery } from './delivery';
import { createSender, type SenderSettings } from './message';
import { REPLY_LIMITS } from './time-limits';

export const MOST_CONNECTIONS = 16;

export interface MailDeliveryDependencies extends LaneDependencies {
  files: Pick<ObjectStore, 'get'>;
  settings: Pick<Configuration, 'SMTP_URL'> & SenderSettings;
  telemetry: Pick<Telemetry, 'trace'>;
}

export function createMailDeliveryActivities(dependencies: MailDeliveryDependencies) {
  const { db, settings } = dependencies;
  const connections = createConnections(settings.SMTP_URL);
  const sender = createSender(settings);
  const lane: Lane = {
    name: MAIL_LANE,
    mostAtOnce: MOST_CONNECTIONS,
    slowestMs: REPLY_LIMITS.messageMs,
    isArchived: true,
    begin(owner, opened, ending) {
      const claims = createClaims(db, MAIL_LANE, owner, sender.domain);
      return { claims, carryOut: createDelivery({ ...dependencies, claims, connections, sender, opened, ending }) };
    },
    probe: async (ending) => connections.give(await connections.take(ending)),
    disconnect: connections.closeFree,
  };
  // The keys of this process may be newer than the drafts.
  const rehash = () => rehashRecipients(db, createSubjects(settings.SECRET_KEY));
  return { deliverMail: createLaneActivity(dependencies, lane, rehash) };
}

export type MailDeliveryActivities = ReturnType<typeof createMailDeliveryActivities>;
