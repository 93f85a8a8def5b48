-- Retention: why a run is not done, when it last gave a sign of life, and the drafts that it looks for (docs/gdpr.md).

-- AlterTable
ALTER TABLE "cleanups" ADD COLUMN     "reason" TEXT,
ADD COLUMN     "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;


-- The final drafts that still say something, oldest first: without it every run would walk over all that were ever erased.
CREATE INDEX "drafts_final_idx" ON "drafts" ("created_at", "id")
  WHERE "status" IN ('rejected', 'expired', 'withdrawn', 'sent', 'blocked')
    OR ("status" = 'failed' AND "outcome" IS DISTINCT FROM 'unknown');
