-- CreateTable
CREATE TABLE "crm_syncs" (
    "draft_id" UUID NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'waiting',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3),
    "claim_owner" UUID,
    "maybe_logged" BOOLEAN NOT NULL DEFAULT false,
    "failure_code" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "logged_at" TIMESTAMPTZ(3),

    CONSTRAINT "crm_syncs_pkey" PRIMARY KEY ("draft_id"),
    CONSTRAINT "crm_syncs_status" CHECK ("status" IN ('waiting', 'syncing', 'logged', 'failed')),
    CONSTRAINT "crm_syncs_next_attempt" CHECK (("status" = 'waiting') = ("next_attempt_at" IS NOT NULL))
);

-- AddForeignKey
ALTER TABLE "crm_syncs" ADD CONSTRAINT "crm_syncs_draft_id_fkey" FOREIGN KEY ("draft_id") REFERENCES "drafts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What the lane claims next, and what an attempt has claimed.
CREATE INDEX "crm_syncs_due_idx" ON "crm_syncs"("next_attempt_at", "draft_id") WHERE "status" = 'waiting' AND "claim_owner" IS NULL;
CREATE INDEX "crm_syncs_claimed_idx" ON "crm_syncs"("claim_owner") WHERE "claim_owner" IS NOT NULL;
