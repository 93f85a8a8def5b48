DROP INDEX "drafts_parked_idx";
