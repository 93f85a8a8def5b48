-- `q` of GET /api/drafts reads an index instead of every draft. The index holds groups of three characters, from which nobody
-- can put a text or an address together again, so it keeps nothing of a person who is erased.
-- pg_trgm is a trusted extension: whoever may create in the database may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- A body may have a million characters, and each group costs an entry: the first 20,000 are searched.
CREATE INDEX "revisions_search_idx" ON "revisions" USING gin (("subject" || E'\n' || left("body", 20000)) gin_trgm_ops);
CREATE INDEX "drafts_to_search_idx" ON "drafts" USING gin (lower("to") gin_trgm_ops);
