-- Two principals whose names look the same could pass four-eyes as one person. SHA-256 of what a person sees of the name
-- (activities/commands/name-look.ts), which PostgreSQL cannot compute: the next key that is made fills it in.
ALTER TABLE "principals" ADD COLUMN "look" BYTEA;

-- CreateIndex
CREATE UNIQUE INDEX "principals_look_key" ON "principals"("look");
