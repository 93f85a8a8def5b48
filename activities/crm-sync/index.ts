// The activity of the HubSpot lane (workflows/crm-sync.ts); docs/crm-sync.md explains what it logs.
import { HUBSPOT_LANE } from '../../workflows/contracts/lane';
import { createHubspotPost, HubspotFailure } from '../hubspot/client';
import type { LaneDependencies } from '../lane/attempt';
import type { Lane } from '../lane/lane';
import { createLaneActivity } from '../lane/lane-activity';
import { createSender, type SenderSettings } from '../mail-delivery/message';
import { createSyncClaims } from './claims';
import { probeContacts } from './contacts';
import { createSync, toTrouble } from './sync';

export interface CrmSyncDependencies extends LaneDependencies {
  settings: SenderSettings & { HUBSPOT_BASE_URL: string };
  /** Of HubSpot's private app. */
  token: string;
}

/** HubSpot takes as many in one request. */
const MOST_AT_ONCE = 100;
/** A batch that is halved again and again, each request answered late. */
const SLOWEST_MS = 600_000;

export function createCrmSyncActivities(dependencies: CrmSyncDependencies) {
  const { db, settings, token } = dependencies;
  const post = createHubspotPost(settings.HUBSPOT_BASE_URL, token);
  const from = createSender(settings).address;
  const lane: Lane = {
    name: HUBSPOT_LANE,
    mostAtOnce: MOST_AT_ONCE,
    slowestMs: SLOWEST_MS,
    // HubSpot can be asked which mails it has.
    isArchived: false,
    begin(owner, opened) {
      const claims = createSyncClaims(db, owner);
      return { claims, carryOut: createSync({ claims, post, from, opened }) };
    },
    async probe(ending) {
      await probeContacts(post, ending).catch((error) => {
        throw error instanceof HubspotFailure ? toTrouble(error) : error;
      });
    },
    disconnect() {},
  };
  return { syncMails: createLaneActivity(dependencies, lane) };
}

export type CrmSyncActivities = ReturnType<typeof createCrmSyncActivities>;
