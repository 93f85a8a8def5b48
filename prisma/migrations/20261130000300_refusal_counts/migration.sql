-- Whoever is refused again and again must not fill the audit trail, which nobody can empty: equal refusals of a minute become
-- two events, the first and the number of the others.

-- CreateTable
CREATE TABLE "refusal_counts" (
    "minute" TIMESTAMPTZ(0) NOT NULL,
    "actor_id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "route" TEXT NOT NULL,
    "count" INTEGER NOT NULL,

    CONSTRAINT "refusal_counts_pkey" PRIMARY KEY ("minute","actor_id","type","code","route")
);

-- Code alone writes them, so they hold no person.
ALTER TABLE "refusal_counts"
  ADD CONSTRAINT "refusal_counts_type_check" CHECK ("type" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "refusal_counts_code_check" CHECK ("code" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "refusal_counts_route_check" CHECK ("route" ~ '^[A-Za-z0-9_.:/ -]*$');
