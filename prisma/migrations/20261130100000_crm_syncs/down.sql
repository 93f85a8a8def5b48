DROP TRIGGER "drafts_sent" ON "drafts";
DROP FUNCTION "log_in_crm"();
DROP FUNCTION "is_being_erased"(BYTEA[]);
DROP TABLE "crm_syncs";
ALTER TABLE "lanes" DROP COLUMN "enabled";
