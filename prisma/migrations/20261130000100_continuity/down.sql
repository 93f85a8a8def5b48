ALTER TABLE "instance" DROP COLUMN "backup_store_id", DROP COLUMN "database_id", DROP COLUMN "timeline", DROP COLUMN "held_at", DROP COLUMN "held_code";
ALTER TABLE "lanes" DROP COLUMN "claims", DROP COLUMN "server";
