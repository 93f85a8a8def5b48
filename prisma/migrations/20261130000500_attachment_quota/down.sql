DROP INDEX "attachments_uploader_id_idx";
