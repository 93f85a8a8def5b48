// What must hold after an interleaving, whatever its order was; each answers what is wrong.
import { hashContent } from '../../../activities/commands/draft-content';
import { readDraft } from '../../../activities/commands/draft-record';
import { mentionsOf } from '../../../activities/personal-data/mentions';
import { readStatistics } from '../../../activities/personal-data/statistics';
import type { Scene } from './actors';
import type { Erasure } from './erase';
import type { World } from './world';

const OPEN = ['pending_review', 'changes_requested', 'approved', 'scheduled'];

/** From the answer on nothing is opened to the person, unless and until it is cancelled. */
export async function findLateOpenings({ world, drafts }: Scene, erasure: Erasure): Promise<string[]> {
  const { hashes } = world.personOf(drafts.email);
  const { rows } = await world.pool.query(
    `SELECT draft_id AS id FROM noted.changes
     WHERE status = 'sending' AND recipients && $1 AND at > $2 AND ($3::timestamptz IS NULL OR at < $3)`,
    [hashes.map((hash) => Buffer.from(hash)), erasure.answeredAt, erasure.cancelledAt],
  );
  return rows.map(({ id }) => `${id} was opened after the answer`);
}

/** The person's drafts are erased; others say what they said, but for the person. */
export async function findWrongDrafts(scene: Scene, isErased: boolean): Promise<string[]> {
  const { world, drafts } = scene;
  const wrong: string[] = [];
  for (const { id, kind, to, bodies } of drafts.known) {
    const draft = await readDraft(world.db, id);
    const say = (what: string) => wrong.push(`${id} (${kind}, ${draft?.status}) ${what}`);
    if (!draft) say('is gone');
    else if (draft.status === 'erased') {
      if (draft.to !== null || draft.subject !== null || draft.replyTo !== null) say('is erased and says something');
      const [event] = await world.db.auditEvent.findMany({ where: { subjectId: id, type: 'draft.erased' } });
      const reason = (event?.data as { reason?: string })?.reason;
      if (reason !== 'retention' && (kind !== 'own' || !isErased)) say('is erased without need');
    } else if (kind === 'own' && isErased) say('is there');
    else {
      if (draft.to !== to) say('is to somebody else');
      if (!bodies.has(drafts.clean(draft.body ?? ''))) say('says something else');
      const texts = JSON.stringify([draft.subject, draft.body, draft.replyTo, draft.metadata, draft.attachments]);
      if (isErased && mentionsOf(drafts.email).isIn(texts)) say('mentions the person');
      // Of one that was parked the words go as of a sent one: should a person want it sent again, they are not what was approved.
      if (draft.failureCode === 'content_changed' && !(await wasParked(world, id))) say('was blocked for its words');
      const standing = draft.verdicts.filter(({ dismissed }) => !dismissed);
      if (standing.some(({ revision }) => revision !== draft.revision)) say('has an approval of other words');
      const { content_hash: said } = (
        await world.pool.query('SELECT content_hash FROM revisions WHERE draft_id = $1 AND revision = $2', [
          id,
          draft.revision,
        ])
      ).rows[0];
      const isAsSaid = said.equals(hashContent({ ...draft, subject: draft.subject ?? '', body: draft.body ?? '' }));
      if (OPEN.includes(draft.status) && !isAsSaid && !(await wasParked(world, id)))
        say('is open and has other words than its revision');
    }
  }
  return wrong;
}

async function wasParked({ pool }: World, id: string): Promise<boolean> {
  const { rowCount } = await pool.query(`SELECT 1 FROM noted.changes WHERE draft_id = $1 AND status = 'failed'`, [id]);
  return (rowCount ?? 0) > 0;
}

/** An event for each change but an opening, which its outcome tells; and nothing counted differently for being erased. A mail
 *  goes back to the queue with an event if its recipient's server postponed it, or a person said that it was not sent, and
 *  without one if the mail service was in trouble. */
export async function findGapsInTheTrail({ world, drafts }: Scene): Promise<string[]> {
  const { rows } = await world.pool.query(
    `SELECT d.id, d.status, d.final_status,
       (SELECT count(*)::int FROM noted.changes c WHERE c.draft_id = d.id AND c.status <> 'sending'
          AND NOT (c.was IN ('sending', 'failed') AND c.status = 'scheduled')) AS changes,
       (SELECT count(*)::int FROM audit_events e WHERE e.subject_id = d.id AND e.type <> 'draft.refused'
          AND (e.type = 'draft.postponed' OR e.data ->> 'as' = 'not_sent') IS NOT TRUE) AS events,
       (SELECT count(*)::int FROM noted.changes c WHERE c.draft_id = d.id AND c.was IN ('sending', 'failed') AND c.status = 'scheduled')
         AS returns,
       (SELECT count(*)::int FROM audit_events e WHERE e.subject_id = d.id
          AND (e.type = 'draft.postponed' OR e.data ->> 'as' = 'not_sent')) AS told,
       (SELECT count(*)::int FROM audit_events e WHERE e.subject_id = d.id AND e.type IN ('draft.erased')) AS erasures,
       (SELECT e.data ->> 'policyVersion' IS NOT NULL AND d.decision ->> 'outcome' = 'auto_approve' OR EXISTS (
          SELECT 1 FROM audit_events r WHERE r.subject_id = d.id AND r.type = 'draft.released' AND r.data ->> 'policyVersion' IS NOT NULL)
        FROM audit_events e WHERE e.subject_id = d.id AND e.type = 'draft.submitted') AS "byPolicy",
       (SELECT c.was FROM noted.changes c WHERE c.draft_id = d.id AND c.status = 'erased') AS was
     FROM drafts d WHERE d.id = ANY ($1)`,
    [drafts.known.map(({ id }) => id)],
  );
  return rows.flatMap(({ id, status, changes, events, returns, told, erasures, byPolicy, was, final_status }) => {
    const expected = changes + (byPolicy ? 3 : 1);
    return [
      ...(events === expected ? [] : [`${id} has ${events} events for ${expected} changes`]),
      ...(told <= returns ? [] : [`${id} has ${told} events for ${returns} returns to the queue`]),
      ...(erasures === (status === 'erased' ? 1 : 0) ? [] : [`${id} was erased ${erasures} times`]),
      ...(was === final_status ? [] : [`${id} counts as ${final_status} and was ${was}`]),
    ];
  });
}

export async function findWrongSums({ db }: World): Promise<string[]> {
  const { drafts, decisions, sends } = await readStatistics(db);
  const sum = (groups: { count: number }[]) => groups.reduce((total, { count }) => total + count, 0);
  const counted = [sum(drafts), sum(decisions), sum(sends)];
  const are = [
    await db.draft.count(),
    await db.verdict.count(),
    await db.draft.count({ where: { sentAt: { not: null } } }),
  ];
  return String(counted) === String(are) ? [] : [`The statistics count ${counted} of ${are}`];
}

/** Of what every store holds. */
export async function findPerson({ world, drafts }: Scene): Promise<number> {
  const counts = await Promise.all(world.stores.map((store) => store.preview(world.personOf(drafts.email))));
  return counts.reduce((total, { erase, anonymise, withhold }) => total + erase + anonymise + withhold, 0);
}
