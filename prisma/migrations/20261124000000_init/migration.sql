-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "instance" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "generation" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "instance_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "principals" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "principals_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "id" UUID NOT NULL,
    "principal_id" UUID NOT NULL,
    "hash" BYTEA NOT NULL,
    "roles" TEXT[],
    "groups" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "hash" BYTEA NOT NULL,
    "key_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "drafts" (
    "id" UUID NOT NULL,
    "status" TEXT NOT NULL,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "version" INTEGER NOT NULL DEFAULT 1,
    "author_id" UUID NOT NULL,
    "to" TEXT NOT NULL,
    "reply_to" TEXT,
    "campaign" TEXT,
    "confidence" DOUBLE PRECISION,
    "metadata" JSONB,
    "decision" JSONB NOT NULL,
    "idempotency_key" TEXT,
    "request_hash" BYTEA,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "due_at" TIMESTAMPTZ(3),
    "sent_at" TIMESTAMPTZ(3),
    "message_id" TEXT,
    "outcome" TEXT,
    "failure_code" TEXT,
    "needs_people" BOOLEAN NOT NULL,
    "claim_owner" UUID,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3),

    CONSTRAINT "drafts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "revisions" (
    "draft_id" UUID NOT NULL,
    "revision" INTEGER NOT NULL,
    "subject" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "html" TEXT,
    "send_at" TIMESTAMPTZ(3),
    "editor_id" UUID NOT NULL,
    "content_hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "revisions_pkey" PRIMARY KEY ("draft_id","revision")
);

-- CreateTable
CREATE TABLE "notes" (
    "id" UUID NOT NULL,
    "draft_id" UUID NOT NULL,
    "text" TEXT NOT NULL,

    CONSTRAINT "notes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "verdicts" (
    "id" UUID NOT NULL,
    "draft_id" UUID NOT NULL,
    "revision" INTEGER NOT NULL,
    "principal_id" UUID NOT NULL,
    "verdict" TEXT NOT NULL,
    "comment" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "dismissed_at" TIMESTAMPTZ(3),

    CONSTRAINT "verdicts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "attachments" (
    "id" UUID NOT NULL,
    "uploader_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    "sha256" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "attachments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "draft_attachments" (
    "draft_id" UUID NOT NULL,
    "attachment_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,

    CONSTRAINT "draft_attachments_pkey" PRIMARY KEY ("draft_id","position")
);

-- CreateTable
CREATE TABLE "policies" (
    "version" INTEGER NOT NULL,
    "document" JSONB NOT NULL,
    "author_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "policies_pkey" PRIMARY KEY ("version")
);

-- CreateTable
CREATE TABLE "audit_events" (
    "position" BIGSERIAL NOT NULL,
    "id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor_id" UUID,
    "subject" TEXT NOT NULL,
    "subject_id" UUID,
    "revision" INTEGER,
    "request_id" UUID,
    "data" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "audit_events_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "outbox" (
    "process" TEXT NOT NULL,
    "entity_id" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    "message" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "next_try" TIMESTAMPTZ(3) NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "outbox_pkey" PRIMARY KEY ("process","entity_id")
);

-- CreateTable
CREATE TABLE "lanes" (
    "name" TEXT NOT NULL,
    "owner" UUID,
    "held" BOOLEAN NOT NULL DEFAULT false,
    "journal_run" TEXT,
    "failing_since" TIMESTAMPTZ(3),
    "failures" INTEGER NOT NULL DEFAULT 0,
    "last_error" TEXT,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sent" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "lanes_pkey" PRIMARY KEY ("name")
);

-- CreateIndex
CREATE UNIQUE INDEX "principals_name_key" ON "principals"("name");

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_hash_key" ON "api_keys"("hash");

-- CreateIndex
CREATE INDEX "api_keys_principal_id_idx" ON "api_keys"("principal_id");

-- CreateIndex
CREATE INDEX "sessions_key_id_idx" ON "sessions"("key_id");

-- CreateIndex
CREATE INDEX "sessions_expires_at_idx" ON "sessions"("expires_at");

-- CreateIndex
CREATE INDEX "drafts_created_at_id_idx" ON "drafts"("created_at", "id");

-- CreateIndex
CREATE INDEX "drafts_status_created_at_id_idx" ON "drafts"("status", "created_at", "id");

-- CreateIndex
CREATE INDEX "drafts_author_id_created_at_id_idx" ON "drafts"("author_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "drafts_author_id_idempotency_key_key" ON "drafts"("author_id", "idempotency_key");

-- CreateIndex
CREATE INDEX "notes_draft_id_idx" ON "notes"("draft_id");

-- CreateIndex
CREATE UNIQUE INDEX "verdicts_draft_id_revision_principal_id_key" ON "verdicts"("draft_id", "revision", "principal_id");

-- CreateIndex
CREATE INDEX "attachments_sha256_idx" ON "attachments"("sha256");

-- CreateIndex
CREATE INDEX "attachments_created_at_idx" ON "attachments"("created_at");

-- CreateIndex
CREATE INDEX "draft_attachments_attachment_id_idx" ON "draft_attachments"("attachment_id");

-- CreateIndex
CREATE UNIQUE INDEX "audit_events_id_key" ON "audit_events"("id");

-- CreateIndex
CREATE INDEX "audit_events_subject_id_position_idx" ON "audit_events"("subject_id", "position");

-- CreateIndex
CREATE INDEX "audit_events_at_idx" ON "audit_events"("at");

-- CreateIndex
CREATE INDEX "outbox_next_try_idx" ON "outbox"("next_try");

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_principal_id_fkey" FOREIGN KEY ("principal_id") REFERENCES "principals"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_key_id_fkey" FOREIGN KEY ("key_id") REFERENCES "api_keys"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "revisions" ADD CONSTRAINT "revisions_draft_id_fkey" FOREIGN KEY ("draft_id") REFERENCES "drafts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notes" ADD CONSTRAINT "notes_draft_id_fkey" FOREIGN KEY ("draft_id") REFERENCES "drafts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "verdicts" ADD CONSTRAINT "verdicts_draft_id_fkey" FOREIGN KEY ("draft_id") REFERENCES "drafts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "draft_attachments" ADD CONSTRAINT "draft_attachments_draft_id_fkey" FOREIGN KEY ("draft_id") REFERENCES "drafts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "draft_attachments" ADD CONSTRAINT "draft_attachments_attachment_id_fkey" FOREIGN KEY ("attachment_id") REFERENCES "attachments"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What the lane takes next, and what it holds: small, however many drafts there are.
CREATE INDEX "drafts_due_idx" ON "drafts" ("next_attempt_at", "id") WHERE "status" = 'scheduled' AND "claim_owner" IS NULL;
CREATE INDEX "drafts_claimed_idx" ON "drafts" ("claim_owner") WHERE "claim_owner" IS NOT NULL AND "status" IN ('scheduled', 'sending');

ALTER TABLE "drafts" ADD CONSTRAINT "drafts_status_check" CHECK ("status" IN (
  'pending_review', 'changes_requested', 'approved', 'rejected', 'expired', 'withdrawn',
  'scheduled', 'sending', 'sent', 'failed', 'blocked', 'erased'));
ALTER TABLE "drafts" ADD CONSTRAINT "drafts_outcome_check" CHECK ("outcome" IN ('delivered', 'refused', 'suppressed', 'unknown'));
ALTER TABLE "verdicts" ADD CONSTRAINT "verdicts_verdict_check" CHECK ("verdict" IN ('approve', 'reject', 'request_changes'));
ALTER TABLE "instance" ADD CONSTRAINT "instance_one_row_check" CHECK ("id" = 1);

-- Rows change often and seldom in an indexed column: leave room for the new version on the same page.
ALTER TABLE "drafts" SET (fillfactor = 70);
ALTER TABLE "outbox" SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- The audit trail is append-only, for everybody.
CREATE FUNCTION "refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER "audit_events_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_events"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();

INSERT INTO "instance" DEFAULT VALUES;
INSERT INTO "lanes" ("name") VALUES ('email'), ('hubspot'), ('relay');
INSERT INTO "policies" ("version", "document")
  VALUES (1, '{"mode": "active", "rules": [], "otherwise": {"outcome": "require"}}');
-- The holder of ADMIN_PASSWORD, and Countersign itself.
INSERT INTO "principals" ("id", "name") VALUES
  ('00000000-0000-7000-8000-000000000001', 'countersign:admin'),
  ('00000000-0000-7000-8000-000000000002', 'countersign:system');
