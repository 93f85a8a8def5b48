DROP TABLE "draft_attachments", "attachments", "verdicts", "notes", "revisions", "drafts", "sessions", "api_keys", "principals",
  "policies", "audit_events", "outbox", "lanes", "instance";
DROP FUNCTION "refuse_change"();
