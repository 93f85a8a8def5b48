-- Free text stays out of Temporal: what an operator writes beside a pause, a resume or a reset lies here, and the signal
-- carries its id.

-- CreateTable
CREATE TABLE "operator_notes" (
    "id" UUID NOT NULL,
    "service" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "operator_notes_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "operator_notes_created_at_id_idx" ON "operator_notes"("created_at", "id");

-- There is no foreign key to "audit_events": its check locks the event's row, which needs the right to update that the audit
-- trail has given up.
