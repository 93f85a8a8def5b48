// Finds the breakers that are open, in one statement whose cost does not grow with what waits.

import { HUBSPOT_LANE } from '../workflows/contracts/lane';
import { BACKUP_STORE, FILE_STORE } from '../workflows/contracts/services';

export interface OpenBreaker {
  service: string;
  /** Why. */
  code: string;
  since: Date;
}

/** Gives rows of OpenBreaker, for a connection of one's own. */
export const OPEN_BREAKERS = `
  SELECT name AS service, coalesce(last_error, 'unknown') AS code, since FROM lanes WHERE failures > 0 AND enabled
  UNION ALL
  SELECT s.service, f.code, f.since
  FROM unnest(ARRAY['${HUBSPOT_LANE}', '${FILE_STORE}', '${BACKUP_STORE}']) AS s (service),
    LATERAL (SELECT code, since FROM failing_steps WHERE service = s.service ORDER BY since LIMIT 1) f
  WHERE NOT EXISTS (SELECT 1 FROM lanes WHERE name = s.service AND NOT enabled)`;
