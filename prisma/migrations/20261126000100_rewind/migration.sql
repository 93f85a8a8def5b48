-- A life of the database: the restore that it began with, and the Temporal store that knows its open processes (docs/rewind.md).

-- AlterTable
ALTER TABLE "instance" ADD COLUMN     "restore_id" UUID,
ADD COLUMN     "temporal_namespace_id" TEXT;
