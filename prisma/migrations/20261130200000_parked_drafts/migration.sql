-- How many drafts are parked is asked at each scrape; among all that have failed that would be a search.
CREATE INDEX "drafts_parked_idx" ON "drafts" ("id") WHERE "status" = 'failed' AND "outcome" = 'unknown';
