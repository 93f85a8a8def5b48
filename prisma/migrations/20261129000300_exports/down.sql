DROP TABLE "person_exports";
UPDATE "erasures" SET "preview" = '[]' WHERE "preview" IS NULL;
ALTER TABLE "erasures" ALTER COLUMN "preview" SET NOT NULL;
