-- The audit trail becomes a hash chain (docs/audit.md).

-- CreateTable
CREATE TABLE "audit_seals" (
    "position" BIGINT NOT NULL,
    "event_id" UUID NOT NULL,
    "prev" BYTEA NOT NULL,
    "hash" BYTEA NOT NULL,

    CONSTRAINT "audit_seals_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "audit_checkpoints" (
    "position" BIGINT NOT NULL,
    "hash" BYTEA NOT NULL,
    "events" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "signature" BYTEA NOT NULL,
    "reason" TEXT NOT NULL,

    CONSTRAINT "audit_checkpoints_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "audit_progress" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "settled" BIGINT NOT NULL DEFAULT 0,
    "anchored" BIGINT NOT NULL DEFAULT 0,
    "anchored_at" TIMESTAMPTZ(3),

    CONSTRAINT "audit_progress_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "audit_seals_event_id_key" ON "audit_seals"("event_id");


INSERT INTO "audit_progress" DEFAULT VALUES;
ALTER TABLE "audit_progress" ADD CONSTRAINT "audit_progress_one_row_check" CHECK ("id" = 1);
ALTER TABLE "audit_progress" SET (fillfactor = 50);

-- Nothing is ever changed. Nothing is removed but by a prune, whose checkpoint was written in the same transaction, and
-- only what that checkpoint covers.
CREATE FUNCTION "refuse_removal"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT c.xmin FROM "audit_checkpoints" c ORDER BY c."position" DESC LIMIT 1)
      IS DISTINCT FROM pg_current_xact_id()::xid THEN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION "refuse_uncovered_event"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM "audit_seals" s WHERE s."event_id" = OLD."id"
      AND s."position" <= (SELECT max(c."position") FROM "audit_checkpoints" c)) THEN
    RAISE EXCEPTION 'No checkpoint covers this event' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN OLD;
END $$;

CREATE FUNCTION "refuse_uncovered_seal"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD."position" > (SELECT max(c."position") FROM "audit_checkpoints" c) THEN
    RAISE EXCEPTION 'No checkpoint covers this seal' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN OLD;
END $$;

DROP TRIGGER "audit_events_append_only" ON "audit_events";
CREATE TRIGGER "audit_events_append_only" BEFORE UPDATE OR TRUNCATE ON "audit_events"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "audit_events_pruned_only" BEFORE DELETE ON "audit_events"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_removal"();
CREATE TRIGGER "audit_events_covered_only" BEFORE DELETE ON "audit_events"
  FOR EACH ROW EXECUTE FUNCTION "refuse_uncovered_event"();
CREATE TRIGGER "audit_seals_append_only" BEFORE UPDATE OR TRUNCATE ON "audit_seals"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "audit_seals_pruned_only" BEFORE DELETE ON "audit_seals"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_removal"();
CREATE TRIGGER "audit_seals_covered_only" BEFORE DELETE ON "audit_seals"
  FOR EACH ROW EXECUTE FUNCTION "refuse_uncovered_seal"();
CREATE TRIGGER "audit_checkpoints_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_checkpoints"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();

-- The owner too may only insert and select; a superuser is stopped by the triggers alone.
REVOKE UPDATE, DELETE, TRUNCATE ON "audit_events", "audit_seals", "audit_checkpoints" FROM CURRENT_USER;

-- The one way to remove anything. It has the right to for as long as it runs, and writes the checkpoint first.
CREATE FUNCTION "prune_audit"("until" BIGINT, "until_hash" BYTEA, "pruned_at" TIMESTAMPTZ, "signed" BYTEA, "why" TEXT)
  RETURNS INTEGER LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  "covered" INTEGER;
BEGIN
  SELECT count(*) INTO "covered" FROM "audit_seals" s WHERE s."position" <= "until";
  IF NOT EXISTS (SELECT 1 FROM "audit_seals" s WHERE s."position" = "until" AND s."hash" = "until_hash") THEN
    RAISE EXCEPTION 'No seal is like this checkpoint' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO "audit_checkpoints" ("position", "hash", "events", "at", "signature", "reason")
    VALUES ("until", "until_hash", "covered", "pruned_at", "signed", "why");
  GRANT DELETE ON "audit_events", "audit_seals" TO CURRENT_USER;
  DELETE FROM "audit_events" e USING "audit_seals" s WHERE s."event_id" = e."id" AND s."position" <= "until";
  DELETE FROM "audit_seals" s WHERE s."position" <= "until";
  REVOKE DELETE ON "audit_events", "audit_seals" FROM CURRENT_USER;
  RETURN "covered";
END $$;
-- It acts with its owner's rights: nobody's temporary tables may stand in for those it names.
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION "prune_audit" SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE EXECUTE ON FUNCTION "prune_audit" FROM PUBLIC;
