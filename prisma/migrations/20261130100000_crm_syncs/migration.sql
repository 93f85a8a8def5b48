-- CreateTable
CREATE TABLE "crm_syncs" (
    "draft_id" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'waiting',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3),
    "claim_owner" UUID,
    "maybe_logged" BOOLEAN NOT NULL DEFAULT false,
    "hubspot_id" TEXT,
    "stale" BOOLEAN NOT NULL DEFAULT false,
    "failure_code" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "logged_at" TIMESTAMPTZ(3),

    CONSTRAINT "crm_syncs_pkey" PRIMARY KEY ("draft_id"),
    CONSTRAINT "crm_syncs_status" CHECK ("status" IN ('waiting', 'syncing', 'logged', 'failed')),
    CONSTRAINT "crm_syncs_hubspot_id_check" CHECK ("hubspot_id" ~ '^[A-Za-z0-9_.:-]*$'),
    CONSTRAINT "crm_syncs_failure_code_check" CHECK ("failure_code" ~ '^[A-Za-z0-9_.:-]*$'),
    CONSTRAINT "crm_syncs_next_attempt" CHECK (("status" = 'waiting') = ("next_attempt_at" IS NOT NULL))
);

-- AlterTable
ALTER TABLE "lanes" ADD COLUMN "enabled" BOOLEAN NOT NULL DEFAULT true;
UPDATE "lanes" SET "enabled" = false WHERE "name" = 'hubspot';

-- AddForeignKey
ALTER TABLE "crm_syncs" ADD CONSTRAINT "crm_syncs_draft_id_fkey" FOREIGN KEY ("draft_id") REFERENCES "drafts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What the lane claims next, and what an attempt has claimed.
CREATE INDEX "crm_syncs_due_idx" ON "crm_syncs"("next_attempt_at", "draft_id") WHERE "status" = 'waiting' AND "claim_owner" IS NULL;
CREATE INDEX "crm_syncs_claimed_idx" ON "crm_syncs"("claim_owner") WHERE "claim_owner" IS NOT NULL;

-- An erasure changes the copy that HubSpot has of these.
CREATE INDEX "crm_syncs_stale_idx" ON "crm_syncs"("draft_id") WHERE "stale";

-- As is_suppressed: VOLATILE, so that it sees what was committed while its statement waited for the lane's lock.
CREATE FUNCTION "is_being_erased"("hashes" BYTEA[]) RETURNS boolean LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
BEGIN
  RETURN EXISTS (
    SELECT 1 FROM "suppressed_hashes" h JOIN "suppressions" s ON s."id" = h."suppression_id"
    WHERE h."hash" = ANY ("hashes") AND s."kind" = 'erased');
END $$;

-- Whoever finds that a mail was sent, it is logged. HubSpot may know it already unless the mail lane has just sent it.
CREATE FUNCTION "log_in_crm"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "crm_syncs" ("draft_id", "generation", "next_attempt_at", "maybe_logged")
  SELECT NEW."id", i."generation", clock_timestamp(), OLD."status" <> 'sending'
  FROM "instance" i, "lanes" l WHERE i."id" = 1 AND l."name" = 'hubspot' AND l."enabled"
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER "drafts_sent" AFTER UPDATE OF "status" ON "drafts" FOR EACH ROW
  WHEN (NEW."status" = 'sent' AND OLD."status" <> 'sent') EXECUTE FUNCTION "log_in_crm"();
