ALTER TABLE "scan_decoys" DROP CONSTRAINT "scan_decoys_words_check", DROP CONSTRAINT "scan_decoys_document_check";
ALTER TABLE "mentions" DROP CONSTRAINT "mentions_place_check";
ALTER TABLE "mentions_due" DROP CONSTRAINT "mentions_due_place_check";
ALTER TABLE "removed_files" DROP CONSTRAINT "removed_files_sha256_check";
ALTER TABLE "erasures" DROP CONSTRAINT "erasures_scan_check";
ALTER TABLE "instance"
  DROP CONSTRAINT "instance_temporal_namespace_id_check";
ALTER TABLE "drafts"
  DROP CONSTRAINT "drafts_failure_code_check",
  DROP CONSTRAINT "drafts_final_status_check",
  DROP CONSTRAINT "drafts_to_check",
  DROP CONSTRAINT "drafts_message_id_check";
ALTER TABLE "attachments"
  DROP CONSTRAINT "attachments_sha256_check";
ALTER TABLE "audit_checkpoints"
  DROP CONSTRAINT "audit_checkpoints_reason_check";
ALTER TABLE "outbox"
  DROP CONSTRAINT "outbox_process_check",
  DROP CONSTRAINT "outbox_message_check";
ALTER TABLE "lanes"
  DROP CONSTRAINT "lanes_name_check",
  DROP CONSTRAINT "lanes_journal_run_check",
  DROP CONSTRAINT "lanes_last_error_check";
ALTER TABLE "erasures"
  DROP CONSTRAINT "erasures_failure_code_check",
  DROP CONSTRAINT "erasures_preview_check",
  DROP CONSTRAINT "erasures_certificate_check";
ALTER TABLE "erasure_steps"
  DROP CONSTRAINT "erasure_steps_step_check";
ALTER TABLE "cleanups"
  DROP CONSTRAINT "cleanups_process_check",
  DROP CONSTRAINT "cleanups_active_check",
  DROP CONSTRAINT "cleanups_reason_check";
ALTER TABLE "audit_events"
  DROP CONSTRAINT "audit_events_type_check",
  DROP CONSTRAINT "audit_events_subject_check",
  DROP CONSTRAINT "audit_events_data_check";
ALTER TABLE "api_keys"
  DROP CONSTRAINT "api_keys_roles_check";
ALTER TABLE "principals"
  DROP CONSTRAINT "principals_email_check";
DROP TABLE "operator_notes";
