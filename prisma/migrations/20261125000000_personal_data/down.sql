DROP FUNCTION "is_suppressed"(BYTEA[]);
DROP TABLE "cleanups", "legal_holds", "erasure_steps", "erasures", "suppressed_hashes", "suppressions";
ALTER TABLE "instance" DROP COLUMN "ledger_position";
DELETE FROM "drafts" WHERE "to" IS NULL;
ALTER TABLE "drafts" ALTER COLUMN "to" SET NOT NULL, DROP COLUMN "recipient_hashes", DROP COLUMN "final_status";
