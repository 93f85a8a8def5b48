DROP INDEX "drafts_to_search_idx";
DROP INDEX "revisions_search_idx";
DROP EXTENSION pg_trgm;
