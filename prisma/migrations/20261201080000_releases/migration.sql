-- Every release that was rolled out here, so that an operator can roll back to one.
CREATE TABLE "releases" (
    "version" TEXT NOT NULL CHECK ("version" ~ '^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$'),
    "commit" TEXT CHECK ("commit" ~ '^[0-9a-f]{7,64}$'),
    "build_id" TEXT NOT NULL CHECK ("build_id" ~ '^[0-9A-Za-z][0-9A-Za-z.+_-]{0,99}$'),
    "bundle_hash" TEXT NOT NULL CHECK ("bundle_hash" ~ '^[0-9a-f]{64}$'),
    "last_migration" TEXT NOT NULL CHECK ("last_migration" ~ '^[0-9]{14}_[a-z0-9_]{1,200}$'),
    "state" TEXT NOT NULL CHECK ("state" IN ('registered', 'current', 'draining', 'retired', 'rolled_back', 'failed')),
    "registered_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "registered_by" UUID,
    "current_since" TIMESTAMPTZ(3),

    CONSTRAINT "releases_pkey" PRIMARY KEY ("version")
);

-- At most one release serves.
CREATE UNIQUE INDEX "releases_current_key" ON "releases" ("state") WHERE "state" = 'current';
