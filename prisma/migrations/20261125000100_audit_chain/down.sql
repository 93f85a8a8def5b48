DROP FUNCTION "prune_audit";
DROP TABLE "audit_progress", "audit_checkpoints", "audit_seals";
DROP TRIGGER "audit_events_covered_only" ON "audit_events";
DROP TRIGGER "audit_events_pruned_only" ON "audit_events";
DROP TRIGGER "audit_events_append_only" ON "audit_events";
DROP FUNCTION "refuse_uncovered_seal"(), "refuse_uncovered_event"(), "refuse_removal"();
CREATE TRIGGER "audit_events_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_events"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
GRANT UPDATE, DELETE, TRUNCATE ON "audit_events" TO CURRENT_USER;
