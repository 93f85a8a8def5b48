-- A database that went back in time, or was copied, notices it, and holds its mail (docs/rewind.md).

-- AlterTable
ALTER TABLE "lanes" ADD COLUMN     "claims" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "server" TEXT;

-- AlterTable
ALTER TABLE "instance" ADD COLUMN     "backup_store_id" TEXT,
ADD COLUMN     "database_id" TEXT,
ADD COLUMN     "timeline" INTEGER,
ADD COLUMN     "held_at" TIMESTAMPTZ(3),
ADD COLUMN     "held_code" TEXT;

-- No text that could name a person.
ALTER TABLE "instance"
  ADD CONSTRAINT "instance_held_code_check" CHECK ("held_code" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "instance_backup_store_id_check" CHECK ("backup_store_id" ~ '^[0-9a-f-]{36}$'),
  ADD CONSTRAINT "instance_database_id_check" CHECK ("database_id" ~ '^[0-9]+/[0-9]+$');

ALTER TABLE "lanes"
  ADD CONSTRAINT "lanes_server_check" CHECK ("server" ~ '^[0-9.]+/[0-9]+$');
