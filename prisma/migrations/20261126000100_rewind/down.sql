ALTER TABLE "instance" DROP COLUMN "restore_id", DROP COLUMN "temporal_namespace_id";
