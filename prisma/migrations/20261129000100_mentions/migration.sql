-- Who is mentioned where, as keyed hashes, and what is still to be read for it (docs/gdpr.md, "The index of mentions").

-- CreateTable
CREATE TABLE "mentions" (
    "hash" BYTEA NOT NULL,
    "place" TEXT NOT NULL,
    "row_id" UUID NOT NULL,
    "part" INTEGER NOT NULL,
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "mentions_pkey" PRIMARY KEY ("hash","place","row_id","part")
);

-- CreateTable
CREATE TABLE "mentions_due" (
    "position" BIGSERIAL NOT NULL,
    "place" TEXT NOT NULL,
    "row_id" UUID NOT NULL,
    "part" INTEGER NOT NULL,

    CONSTRAINT "mentions_due_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "mention_keys" (
    "id" BYTEA NOT NULL,

    CONSTRAINT "mention_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "removed_files" (
    "position" BIGSERIAL NOT NULL,
    "sha256" TEXT NOT NULL,

    CONSTRAINT "removed_files_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "scan_passes" (
    "id" UUID NOT NULL,
    "erasures" INTEGER NOT NULL,
    "bytes" BIGINT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "scan_passes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "scan_decoys" (
    "id" UUID NOT NULL,
    "words" TEXT NOT NULL,
    "document" JSONB NOT NULL,
    "raw" BYTEA NOT NULL,

    CONSTRAINT "scan_decoys_pkey" PRIMARY KEY ("id")
);

-- AlterTable
ALTER TABLE "erasures" ADD COLUMN     "next_scan_at" TIMESTAMPTZ(3),
ADD COLUMN     "purge_from" BIGINT,
ADD COLUMN     "scan" JSONB;

-- CreateIndex
CREATE INDEX "mentions_place_row_id_part_idx" ON "mentions"("place", "row_id", "part");

-- CreateIndex
CREATE INDEX "scan_passes_started_at_idx" ON "scan_passes"("started_at");



-- An erasure asks which drafts it has closed and erased, among millions of events.
CREATE INDEX "audit_events_erased_idx" ON "audit_events" ("request_id") WHERE "type" IN ('draft.erased', 'draft.closed');

-- Whatever changes the text of a row makes the row due, whichever way it was written. A function for each kind of key.
CREATE FUNCTION "note_mentions_due"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "changed" record;
BEGIN
  IF TG_OP = 'DELETE' THEN "changed" := OLD; ELSE "changed" := NEW; END IF;
  INSERT INTO "mentions_due" ("place", "row_id", "part") VALUES (TG_TABLE_NAME, "changed"."id", 0);
  RETURN NULL;
END $$;
CREATE FUNCTION "note_revision_mentions_due"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "changed" record;
BEGIN
  IF TG_OP = 'DELETE' THEN "changed" := OLD; ELSE "changed" := NEW; END IF;
  INSERT INTO "mentions_due" ("place", "row_id", "part") VALUES (TG_TABLE_NAME, "changed"."draft_id", "changed"."revision");
  RETURN NULL;
END $$;
CREATE FUNCTION "note_policy_mentions_due"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "changed" record;
BEGIN
  IF TG_OP = 'DELETE' THEN "changed" := OLD; ELSE "changed" := NEW; END IF;
  INSERT INTO "mentions_due" ("place", "row_id", "part") VALUES (TG_TABLE_NAME, '00000000-0000-0000-0000-000000000000', "changed"."version");
  RETURN NULL;
END $$;

CREATE TRIGGER "revisions_mentions_inserted" AFTER INSERT ON "revisions" FOR EACH ROW EXECUTE FUNCTION "note_revision_mentions_due"();
CREATE TRIGGER "revisions_mentions_changed" AFTER UPDATE OF "subject", "body", "html" ON "revisions" FOR EACH ROW
  WHEN (OLD."subject" IS DISTINCT FROM NEW."subject" OR OLD."body" IS DISTINCT FROM NEW."body" OR OLD."html" IS DISTINCT FROM NEW."html") EXECUTE FUNCTION "note_revision_mentions_due"();
CREATE TRIGGER "revisions_mentions_deleted" AFTER DELETE ON "revisions" FOR EACH ROW EXECUTE FUNCTION "note_revision_mentions_due"();

CREATE TRIGGER "verdicts_mentions_inserted" AFTER INSERT ON "verdicts" FOR EACH ROW
  WHEN (NEW."comment" IS NOT NULL) EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "verdicts_mentions_changed" AFTER UPDATE OF "comment" ON "verdicts" FOR EACH ROW
  WHEN (OLD."comment" IS DISTINCT FROM NEW."comment") EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "verdicts_mentions_deleted" AFTER DELETE ON "verdicts" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();

CREATE TRIGGER "notes_mentions_inserted" AFTER INSERT ON "notes" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "notes_mentions_changed" AFTER UPDATE OF "text" ON "notes" FOR EACH ROW
  WHEN (OLD."text" IS DISTINCT FROM NEW."text") EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "notes_mentions_deleted" AFTER DELETE ON "notes" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();

CREATE TRIGGER "drafts_mentions_inserted" AFTER INSERT ON "drafts" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "drafts_mentions_changed" AFTER UPDATE OF "to", "reply_to", "campaign", "idempotency_key", "metadata", "decision" ON "drafts" FOR EACH ROW
  WHEN (OLD."to" IS DISTINCT FROM NEW."to" OR OLD."reply_to" IS DISTINCT FROM NEW."reply_to" OR OLD."campaign" IS DISTINCT FROM NEW."campaign" OR OLD."idempotency_key" IS DISTINCT FROM NEW."idempotency_key" OR OLD."metadata" IS DISTINCT FROM NEW."metadata" OR OLD."decision" IS DISTINCT FROM NEW."decision") EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "drafts_mentions_deleted" AFTER DELETE ON "drafts" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();

CREATE TRIGGER "attachments_mentions_inserted" AFTER INSERT ON "attachments" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "attachments_mentions_changed" AFTER UPDATE OF "name", "type", "sha256" ON "attachments" FOR EACH ROW
  WHEN (OLD."name" IS DISTINCT FROM NEW."name" OR OLD."type" IS DISTINCT FROM NEW."type" OR OLD."sha256" IS DISTINCT FROM NEW."sha256") EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "attachments_mentions_deleted" AFTER DELETE ON "attachments" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();

CREATE TRIGGER "policies_mentions_inserted" AFTER INSERT ON "policies" FOR EACH ROW EXECUTE FUNCTION "note_policy_mentions_due"();
CREATE TRIGGER "policies_mentions_changed" AFTER UPDATE OF "document" ON "policies" FOR EACH ROW
  WHEN (OLD."document" IS DISTINCT FROM NEW."document") EXECUTE FUNCTION "note_policy_mentions_due"();
CREATE TRIGGER "policies_mentions_deleted" AFTER DELETE ON "policies" FOR EACH ROW EXECUTE FUNCTION "note_policy_mentions_due"();

CREATE TRIGGER "legal_holds_mentions_inserted" AFTER INSERT ON "legal_holds" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "legal_holds_mentions_changed" AFTER UPDATE OF "reason" ON "legal_holds" FOR EACH ROW
  WHEN (OLD."reason" IS DISTINCT FROM NEW."reason") EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "legal_holds_mentions_deleted" AFTER DELETE ON "legal_holds" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();

CREATE TRIGGER "suppressions_mentions_inserted" AFTER INSERT ON "suppressions" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "suppressions_mentions_changed" AFTER UPDATE OF "email", "reason" ON "suppressions" FOR EACH ROW
  WHEN (OLD."email" IS DISTINCT FROM NEW."email" OR OLD."reason" IS DISTINCT FROM NEW."reason") EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "suppressions_mentions_deleted" AFTER DELETE ON "suppressions" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();

CREATE TRIGGER "erasures_mentions_inserted" AFTER INSERT ON "erasures" FOR EACH ROW
  WHEN (NEW."extension_reason" IS NOT NULL) EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "erasures_mentions_changed" AFTER UPDATE OF "extension_reason" ON "erasures" FOR EACH ROW
  WHEN (OLD."extension_reason" IS DISTINCT FROM NEW."extension_reason") EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "erasures_mentions_deleted" AFTER DELETE ON "erasures" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();

CREATE TRIGGER "principals_mentions_inserted" AFTER INSERT ON "principals" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "principals_mentions_changed" AFTER UPDATE OF "name", "email" ON "principals" FOR EACH ROW
  WHEN (OLD."name" IS DISTINCT FROM NEW."name" OR OLD."email" IS DISTINCT FROM NEW."email") EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "principals_mentions_deleted" AFTER DELETE ON "principals" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();

CREATE TRIGGER "api_keys_mentions_inserted" AFTER INSERT ON "api_keys" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "api_keys_mentions_changed" AFTER UPDATE OF "groups" ON "api_keys" FOR EACH ROW
  WHEN (OLD."groups" IS DISTINCT FROM NEW."groups") EXECUTE FUNCTION "note_mentions_due"();
CREATE TRIGGER "api_keys_mentions_deleted" AFTER DELETE ON "api_keys" FOR EACH ROW EXECUTE FUNCTION "note_mentions_due"();

-- The bytes of a file go where its last row has gone; who removes the row need not know them.
CREATE FUNCTION "note_removed_file"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "removed_files" ("sha256") VALUES (OLD."sha256");
  RETURN NULL;
END $$;
CREATE TRIGGER "attachments_removed" AFTER DELETE ON "attachments" FOR EACH ROW EXECUTE FUNCTION "note_removed_file"();
