-- The worker prepares exports and makes the preview of an erasure, so that no request searches content (docs/gdpr.md).

-- AlterTable
ALTER TABLE "erasures" ALTER COLUMN "preview" DROP NOT NULL;

-- CreateTable
CREATE TABLE "person_exports" (
    "id" UUID NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "status" TEXT NOT NULL,
    "subject_hashes" BYTEA[],
    "sealed" BYTEA,
    "requested_by" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "object" UUID,
    "size" BIGINT,
    "items" INTEGER,
    "failure_code" TEXT,

    CONSTRAINT "person_exports_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "person_exports_status_idx" ON "person_exports"("status");

ALTER TABLE "person_exports"
  ADD CONSTRAINT "person_exports_status_check" CHECK ("status" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "person_exports_failure_code_check" CHECK ("failure_code" ~ '^[A-Za-z0-9_.:-]*$');
