// Brings HubSpot's copies of logged mails up to date after an erasure has taken somebody's mention out of their words.
import type { Database } from '../../prisma/client';
import { MOST_INPUTS } from '../hubspot/batch';
import type { HubspotPost } from '../hubspot/client';
import { BODY_LENGTH } from './claims';
import { changeWords, findLogged } from './emails';

interface StaleRow {
  draftId: string;
  status: string;
  maybeLogged: boolean;
  hubspotId: string | null;
  messageId: string | null;
  subject: string;
  body: string;
  /** Another one after each change of the revision. */
  state: string;
}

/**
 * Changes all of them, whichever erasure made them stale. Idempotent. Throws what `post` throws.
 * @returns `left`: how many HubSpot is being told of just now, or has perhaps been told of so lately that its search may not know
 *          them; they have to be asked about again
 */
export async function changeLoggedWords(db: Database, post: HubspotPost): Promise<{ done: number; left: number }> {
  for (let done = 0; ; ) {
    const rows = await db.$queryRaw<StaleRow[]>`
      SELECT s.draft_id AS "draftId", s.status, s.maybe_logged AS "maybeLogged", s.hubspot_id AS "hubspotId", d.message_id AS "messageId",
        r.subject, left(r.body, ${BODY_LENGTH}) AS body, r.xmin::text AS state
      FROM crm_syncs s JOIN drafts d ON d.id = s.draft_id JOIN revisions r ON r.draft_id = d.id AND r.revision = d.revision
      WHERE s.stale AND NOT (s.status = 'syncing' OR (s.maybe_logged AND s.next_attempt_at > now()))
      ORDER BY s.draft_id LIMIT ${MOST_INPUTS}`;
    if (rows.length === 0) return { done, left: await db.crmSync.count({ where: { stale: true } }) };
    const doubtful = rows.filter(({ hubspotId, maybeLogged }) => hubspotId === null && maybeLogged);
    const found = await findLogged(
      post,
      doubtful.flatMap(({ messageId }) => messageId ?? []),
    );
    const logged = rows.flatMap(({ hubspotId, messageId, subject, body }) => {
      const id = hubspotId ?? found.get(messageId ?? '');
      return id === undefined ? [] : [{ id, subject, body }];
    });
    await changeWords(post, logged);
    // Words that were changed again meanwhile go out with the next round.
    await db.$executeRaw`
      UPDATE crm_syncs s SET stale = false
      FROM unnest(${rows.map(({ draftId }) => draftId)}::uuid[], ${rows.map(({ state }) => state)}::text[]) AS sent (draft_id, state)
      JOIN drafts d ON d.id = sent.draft_id JOIN revisions r ON r.draft_id = d.id AND r.revision = d.revision
      WHERE s.draft_id = sent.draft_id AND r.xmin::text = sent.state`;
    done += logged.length;
  }
}
