// What the API is made of; main.ts makes it, tests make it of test servers.
import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import type { Commands } from '../activities/commands/index';
import type { SessionCommands } from '../activities/commands/sessions';
import type { Witness } from '../activities/continuity/witness';
import type { LedgerGate } from '../activities/erasure-ledger/gate';
import type { Configuration } from '../ops/runtime/configuration';
import type { Logger } from '../ops/runtime/logging';
import type { ObservedRequest } from '../ops/runtime/metrics';
import type { ObjectStore } from '../ops/runtime/object-store';
import type { SignedStore } from '../ops/runtime/signed-store';
import type { Telemetry } from '../ops/runtime/telemetry';
import type { Database } from '../prisma/client';
import type { HealthChecks } from './health-checks';
import type { ProvenRestore } from './proven-restore';

export type ApiSettings = Pick<
  Configuration,
  | 'ADMIN_PASSWORD'
  | 'SECRET_KEY'
  | 'PUBLIC_URL'
  | 'TRUST_PROXY'
  | 'KEY_REQUESTS_PER_MINUTE'
  | 'TEMPORAL_UI_URL'
  | 'DRAFT_RETENTION_DAYS'
  | 'AUDIT_RETENTION_DAYS'
  | 'POSTGRES_KEPT_BY'
>;

export interface AppDependencies {
  db: Database;
  commands: Commands;
  sessions: SessionCommands;
  files: ObjectStore;
  /** Below BACKUP_URL. */
  backups: SignedStore;
  /** Null: every process counts for itself. */
  redis: Redis | null;
  /** Connects when it is first used; no command needs it. */
  temporal: Client;
  checks: HealthChecks;
  gate: LedgerGate;
  provenRestore: ProvenRestore;
  witness: Pick<Witness, 'held'>;
  settings: ApiSettings;
  logger: Logger;
  observe(request: ObservedRequest): void;
  telemetry: Telemetry;
  /** While this is true, every answer asks its client to connect anew. */
  lifecycle: { draining: boolean };
}
