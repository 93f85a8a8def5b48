DROP INDEX "drafts_final_idx";
ALTER TABLE "cleanups" DROP COLUMN "reason", DROP COLUMN "updated_at";
