-- A trace goes from a request through the outbox to the mail: both rows carry its W3C trace context.
-- AlterTable
ALTER TABLE "drafts" ADD COLUMN "traceparent" TEXT;
ALTER TABLE "outbox" ADD COLUMN "traceparent" TEXT;

-- Hexadecimal digits alone, so it holds no person.
ALTER TABLE "drafts" ADD CONSTRAINT "drafts_traceparent_check" CHECK ("traceparent" ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$');
ALTER TABLE "outbox" ADD CONSTRAINT "outbox_traceparent_check" CHECK ("traceparent" ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$');
