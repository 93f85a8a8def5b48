DROP INDEX "drafts_retried_idx", "crm_syncs_retried_idx", "outbox_retried_idx";
DROP TABLE "failing_steps";
ALTER TABLE "lanes" DROP COLUMN "next_attempt_at", DROP COLUMN "paused_at", DROP COLUMN "paused_by", DROP COLUMN "paused_note";
