ALTER TABLE "outbox" DROP COLUMN "traceparent";
ALTER TABLE "drafts" DROP COLUMN "traceparent";
