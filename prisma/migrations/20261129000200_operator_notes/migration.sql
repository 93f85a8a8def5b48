-- Free text stays where an erasure finds it (docs/gdpr.md). What an operator writes beside a pause, a resume or a reset lies
-- here, and Temporal's signal carries its id.

-- CreateTable
CREATE TABLE "operator_notes" (
    "id" UUID NOT NULL,
    "service" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "operator_notes_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "operator_notes_created_at_id_idx" ON "operator_notes"("created_at", "id");

-- There is no foreign key to "audit_events": its check locks the event's row, which needs the right to update that the audit
-- trail has given up.

-- What code alone writes holds codes and can't hold a person: no purge of an erasure reads it, and PostgreSQL refuses
-- anything else. `test/user-erasure/every-text-column.test.ts` finds a column that neither a purge nor such a check covers.
ALTER TABLE "instance"
  ADD CONSTRAINT "instance_temporal_namespace_id_check" CHECK ("temporal_namespace_id" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "drafts"
  ADD CONSTRAINT "drafts_failure_code_check" CHECK ("failure_code" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "drafts_final_status_check" CHECK ("final_status" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "attachments"
  ADD CONSTRAINT "attachments_sha256_check" CHECK ("sha256" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "audit_checkpoints"
  ADD CONSTRAINT "audit_checkpoints_reason_check" CHECK ("reason" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "outbox"
  ADD CONSTRAINT "outbox_process_check" CHECK ("process" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "lanes"
  ADD CONSTRAINT "lanes_name_check" CHECK ("name" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "lanes_journal_run_check" CHECK ("journal_run" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "lanes_last_error_check" CHECK ("last_error" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "erasures"
  ADD CONSTRAINT "erasures_failure_code_check" CHECK ("failure_code" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "erasure_steps"
  ADD CONSTRAINT "erasure_steps_step_check" CHECK ("step" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "cleanups"
  ADD CONSTRAINT "cleanups_process_check" CHECK ("process" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "cleanups_active_check" CHECK ("active" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "cleanups_reason_check" CHECK ("reason" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "operator_notes"
  ADD CONSTRAINT "operator_notes_service_check" CHECK ("service" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "api_keys"
  ADD CONSTRAINT "api_keys_roles_check" CHECK ("roles" <@ ARRAY['author', 'approver', 'admin', 'ops']);
-- Ids, codes, numbers and times, as JSON. The audit trail can't be changed, so an address must not get in.
ALTER TABLE "audit_events"
  ADD CONSTRAINT "audit_events_type_check" CHECK (strpos("type", '@') = 0),
  ADD CONSTRAINT "audit_events_subject_check" CHECK (strpos("subject", '@') = 0),
  ADD CONSTRAINT "audit_events_data_check" CHECK (strpos("data"::text, '@') = 0);
ALTER TABLE "outbox"
  ADD CONSTRAINT "outbox_message_check" CHECK (strpos("message"::text, '@') = 0);
ALTER TABLE "erasures"
  ADD CONSTRAINT "erasures_preview_check" CHECK (strpos("preview"::text, '@') = 0),
  ADD CONSTRAINT "erasures_certificate_check" CHECK (strpos("certificate"::text, '@') = 0);
-- An address, and nothing around it: it is compared as a whole.
ALTER TABLE "drafts"
  ADD CONSTRAINT "drafts_to_check" CHECK ("to" ~ '^[^[:space:]@]+@[^[:space:]@]+$'),
  ADD CONSTRAINT "drafts_message_id_check" CHECK ("message_id" ~ '^<[0-9a-f-]{36}@[^[:space:]<>@]+>$');
ALTER TABLE "principals"
  ADD CONSTRAINT "principals_email_check" CHECK ("email" ~ '^[^[:space:]@]+@[^[:space:]@]+$');

-- Read for the index of mentions, as every text (20261129000100_mentions).
CREATE TRIGGER "operator_notes_mentions_inserted" AFTER INSERT ON "operator_notes" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "operator_notes_mentions_changed" AFTER UPDATE OF "text" ON "operator_notes" FOR EACH ROW
  WHEN (OLD."text" IS DISTINCT FROM NEW."text") EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "operator_notes_mentions_deleted" AFTER DELETE ON "operator_notes" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();
ALTER TABLE "mentions" ADD CONSTRAINT "mentions_place_check" CHECK ("place" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "mentions_due" ADD CONSTRAINT "mentions_due_place_check" CHECK ("place" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "removed_files" ADD CONSTRAINT "removed_files_sha256_check" CHECK ("sha256" ~ '^[A-Za-z0-9_.:-]*$');
ALTER TABLE "erasures" ADD CONSTRAINT "erasures_scan_check" CHECK (strpos("scan"::text, '@') = 0);
ALTER TABLE "scan_decoys"
  ADD CONSTRAINT "scan_decoys_words_check" CHECK ("words" ~ E'^a word\ncountersign-decoy-[0-9a-f]{24}@example[.]com$'),
  ADD CONSTRAINT "scan_decoys_document_check" CHECK ("document"::text ~
    '^[{]"about countersign-decoy-[0-9a-f]{24}@example[.]com": "a line.{2}countersign-decoy-[0-9a-f]{24}@example[.]com"[}]$');
