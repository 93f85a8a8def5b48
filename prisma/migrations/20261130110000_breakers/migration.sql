-- What `GET /api/circuit-breakers/status` and `GET /api/ops/stuck` read without asking Temporal about every process (docs/operations.md).

-- AlterTable
ALTER TABLE "lanes" ADD COLUMN     "next_attempt_at" TIMESTAMPTZ(3),
ADD COLUMN     "paused_at" TIMESTAMPTZ(3),
ADD COLUMN     "paused_by" UUID,
ADD COLUMN     "paused_note" UUID;

-- CreateTable
CREATE TABLE "failing_steps" (
    "workflow_id" TEXT NOT NULL,
    "step" TEXT NOT NULL,
    "process" TEXT NOT NULL,
    "service" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "is_local" BOOLEAN NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "attempts" INTEGER NOT NULL,
    "is_running" BOOLEAN NOT NULL DEFAULT false,
    "next_attempt_at" TIMESTAMPTZ(3),
    "gives_up_at" TIMESTAMPTZ(3),
    "checked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "failing_steps_pkey" PRIMARY KEY ("workflow_id","step")
);

-- CreateIndex
CREATE INDEX "failing_steps_service_since_idx" ON "failing_steps"("service", "since");

-- CreateIndex
CREATE INDEX "failing_steps_checked_at_idx" ON "failing_steps"("checked_at");

-- Code alone writes these: ids and codes.
ALTER TABLE "failing_steps"
  ADD CONSTRAINT "failing_steps_workflow_id_check" CHECK ("workflow_id" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "failing_steps_step_check" CHECK ("step" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "failing_steps_process_check" CHECK ("process" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "failing_steps_service_check" CHECK ("service" ~ '^[A-Za-z0-9_.:-]*$'),
  ADD CONSTRAINT "failing_steps_code_check" CHECK ("code" ~ '^[A-Za-z0-9_.:-]*$');

-- What waits for its own next attempt, and what could not be delivered: small, however much waits for a service.
CREATE INDEX "drafts_retried_idx" ON "drafts" ("next_attempt_at") WHERE "status" = 'scheduled' AND "attempts" > 0;
CREATE INDEX "crm_syncs_retried_idx" ON "crm_syncs" ("next_attempt_at") WHERE "status" = 'waiting' AND "attempts" > 0;
CREATE INDEX "outbox_retried_idx" ON "outbox" ("created_at") WHERE "attempts" > 1;
