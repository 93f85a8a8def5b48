// Makes mails that are due: copies of one that was sent, so that each passes the check of what was approved.
import type pg from 'pg';

/**
 * Copies a draft with its words.
 * @param dueInHours 0: now
 */
export async function copyDraft(client: pg.Client, id: string, copies: number, dueInHours = 0): Promise<void> {
  const due = `now() + interval '${dueInHours} hours'`;
  await client.query('CREATE TEMP TABLE copies AS SELECT gen_random_uuid() AS id FROM generate_series(1, $1::int)', [
    copies,
  ]);
  await client.query(
    `INSERT INTO drafts (id, status, author_id, "to", recipient_hashes, decision, created_at, updated_at, due_at, next_attempt_at, needs_people)
       SELECT c.id, 'scheduled', author_id, "to", recipient_hashes, decision, now(), now(), now(), ${due}, false
       FROM copies c, drafts d WHERE d.id = $1`,
    [id],
  );
  await client.query(
    `INSERT INTO revisions (draft_id, revision, subject, body, html, editor_id, content_hash, created_at)
       SELECT c.id, 1, subject, body, html, editor_id, content_hash, now() FROM copies c, revisions r WHERE r.draft_id = $1 AND r.revision = 1`,
    [id],
  );
  await client.query('DROP TABLE copies');
  await client.query('VACUUM ANALYZE drafts, revisions');
}
