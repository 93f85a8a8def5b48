-- Personal data: suppressions, erasures, legal holds and retention (docs/gdpr.md).

-- AlterTable
ALTER TABLE "drafts" ADD COLUMN     "final_status" TEXT,
ADD COLUMN     "recipient_hashes" BYTEA[] DEFAULT ARRAY[]::BYTEA[],
ALTER COLUMN "to" DROP NOT NULL;

-- AlterTable
ALTER TABLE "instance" ADD COLUMN     "ledger_position" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "suppressions" (
    "id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "email" TEXT,
    "reason" TEXT,
    "erasure_id" UUID,
    "created_by" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "suppressions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "suppressed_hashes" (
    "hash" BYTEA NOT NULL,
    "suppression_id" UUID NOT NULL,

    CONSTRAINT "suppressed_hashes_pkey" PRIMARY KEY ("hash","suppression_id")
);

-- CreateTable
CREATE TABLE "erasures" (
    "id" UUID NOT NULL,
    "status" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "subject_hashes" BYTEA[],
    "active_hash" BYTEA,
    "sealed" BYTEA,
    "requested_by" UUID NOT NULL,
    "requested_at" TIMESTAMPTZ(3) NOT NULL,
    "grace_until" TIMESTAMPTZ(3) NOT NULL,
    "confirmed_at" TIMESTAMPTZ(3),
    "begun_at" TIMESTAMPTZ(3),
    "deadline_at" TIMESTAMPTZ(3) NOT NULL,
    "extended_until" TIMESTAMPTZ(3),
    "extension_reason" TEXT,
    "preview" JSONB NOT NULL,
    "certificate" JSONB,
    "failure_code" TEXT,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "erasures_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "erasure_steps" (
    "erasure_id" UUID NOT NULL,
    "step" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),
    "erased" INTEGER NOT NULL DEFAULT 0,
    "anonymised" INTEGER NOT NULL DEFAULT 0,
    "withheld" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "erasure_steps_pkey" PRIMARY KEY ("erasure_id","step")
);

-- CreateTable
CREATE TABLE "legal_holds" (
    "id" UUID NOT NULL,
    "draft_id" UUID,
    "subject_hashes" BYTEA[] DEFAULT ARRAY[]::BYTEA[],
    "reason" TEXT NOT NULL,
    "until" TIMESTAMPTZ(3),
    "created_by" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "released_at" TIMESTAMPTZ(3),

    CONSTRAINT "legal_holds_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "cleanups" (
    "id" UUID NOT NULL,
    "process" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "active" TEXT,
    "before" TIMESTAMPTZ(3) NOT NULL,
    "removed" INTEGER NOT NULL DEFAULT 0,
    "held" INTEGER NOT NULL DEFAULT 0,
    "cursor_at" TIMESTAMPTZ(3),
    "cursor_id" UUID,
    "requested_by" UUID,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "cleanups_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "suppressions_erasure_id_key" ON "suppressions"("erasure_id");

-- CreateIndex
CREATE INDEX "suppressions_created_at_id_idx" ON "suppressions"("created_at", "id");

-- CreateIndex
CREATE INDEX "suppressed_hashes_suppression_id_idx" ON "suppressed_hashes"("suppression_id");

-- CreateIndex
CREATE UNIQUE INDEX "erasures_active_hash_key" ON "erasures"("active_hash");

-- CreateIndex
CREATE INDEX "erasures_requested_at_id_idx" ON "erasures"("requested_at", "id");

-- CreateIndex
CREATE INDEX "legal_holds_created_at_id_idx" ON "legal_holds"("created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "cleanups_active_key" ON "cleanups"("active");

-- CreateIndex
CREATE INDEX "cleanups_process_started_at_idx" ON "cleanups"("process", "started_at");

-- AddForeignKey
ALTER TABLE "suppressed_hashes" ADD CONSTRAINT "suppressed_hashes_suppression_id_fkey" FOREIGN KEY ("suppression_id") REFERENCES "suppressions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "erasure_steps" ADD CONSTRAINT "erasure_steps_erasure_id_fkey" FOREIGN KEY ("erasure_id") REFERENCES "erasures"("id") ON DELETE CASCADE ON UPDATE CASCADE;



ALTER TABLE "suppressions" ADD CONSTRAINT "suppressions_kind_check" CHECK ("kind" IN ('manual', 'unsubscribed', 'erased'));
ALTER TABLE "erasures" ADD CONSTRAINT "erasures_status_check"
  CHECK ("status" IN ('waiting', 'erasing', 'scanning', 'certified', 'cancelled', 'suspended', 'failed'));
ALTER TABLE "cleanups" ADD CONSTRAINT "cleanups_status_check" CHECK ("status" IN ('running', 'partial', 'done', 'failed'));
ALTER TABLE "legal_holds" ADD CONSTRAINT "legal_holds_of_one_check"
  CHECK (("draft_id" IS NULL) <> (cardinality("subject_hashes") = 0));

-- Volatile, so that it looks with a snapshot of its own: a statement that waited for the lane's lock sees what was
-- committed until it had it.
CREATE FUNCTION "is_suppressed"("hashes" BYTEA[]) RETURNS boolean LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM "suppressed_hashes" s WHERE s."hash" = ANY ("hashes"));
END $$;
