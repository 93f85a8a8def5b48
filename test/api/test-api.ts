// The API in the test's own process, on a database of its own, with everything that it logs kept for a look.
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import type { Express } from 'express';
import { pino } from 'pino';
import type { Registry } from 'prom-client';
import supertest from 'supertest';
import type { Role } from '../../activities/commands/context';
import { createCommands } from '../../activities/commands/create-commands';
import type { Commands } from '../../activities/commands/index';
import { createSessionCommands } from '../../activities/commands/sessions';
import { createLedgerGate } from '../../activities/erasure-ledger/gate';
import { createApp } from '../../api/app';
import { type ConnectionLimits, TIMES } from '../../api/connections';
import type { ApiSettings, AppDependencies } from '../../api/dependencies';
import { createHealthChecks, type HealthChecks } from '../../api/health-checks';
import { createProvenRestore } from '../../api/proven-restore';
import { describeError, type Logger } from '../../ops/runtime/logging';
import { createRegistry, createRequestObserver } from '../../ops/runtime/metrics';
import { openObjectStore } from '../../ops/runtime/object-store';
import { connectRedis } from '../../ops/runtime/redis';
import { createSigner } from '../../ops/runtime/signing';
import { NO_TELEMETRY } from '../../ops/runtime/telemetry';
import { openTemporalClient } from '../../ops/runtime/temporal';
import { openBackups } from '../support/backups';
import { SETTINGS } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { ADMIN_PASSWORD, newFolder } from '../support/environment';
import { until } from '../support/until';

export { ADMIN_PASSWORD };
export const CONNECTIONS: ConnectionLimits = { ...TIMES, most: 1_000, mostPerClient: null };

/** Nobody listens there. */
export const NOBODY = '127.0.0.1:9';

interface Options {
  settings?: Partial<ApiSettings>;
  database?: TestDatabase;
  redis?: string;
  /** As FILES_URL. */
  files?: string;
  /** As BACKUP_URL. */
  backups?: string;
  temporal?: { address: string; namespace?: string };
  commands?: (commands: Commands) => Commands;
  checkedDatabase?: string;
  witness?: AppDependencies['witness'];
}

export class TestApi {
  private constructor(
    readonly app: Express,
    readonly database: TestDatabase,
    readonly commands: Commands,
    readonly settings: ApiSettings,
    readonly lifecycle: { draining: boolean },
    readonly registry: Registry,
    readonly log: string[],
    readonly logger: Logger,
    /** What Sentry was told. */
    readonly reported: unknown[],
    private readonly closing: (() => unknown)[],
  ) {}

  static async create(options: Options = {}): Promise<TestApi> {
    const database = options.database ?? (await createTestDatabase());
    const { db } = database;
    const log: string[] = [];
    const destination = new Writable({ write: (line, _encoding, done) => done(void log.push(String(line))) });
    const logger = pino({ level: 'debug', serializers: { err: (error) => describeError(error) } }, destination);
    const redis = options.redis ? connectRedis(options.redis, logger) : null;
    if (redis) await until('Redis is connected', () => redis.status === 'ready');
    const temporal = openTemporalClient({ address: NOBODY, ...options.temporal });
    const gate = createLedgerGate({ head: async () => 0 });
    const checks: HealthChecks = createHealthChecks({
      databaseUrl: options.checkedDatabase ?? database.url,
      redis,
      temporal,
      gate,
    });
    const made = createCommands({ db, settings: SETTINGS, announce: () => {} });
    const commands = options.commands?.(made) ?? made;
    const registry = createRegistry('test');
    const lifecycle = { draining: false };
    const settings: ApiSettings = {
      ADMIN_PASSWORD,
      // Another one for each test file, so that nobody's counters meet in Redis.
      SECRET_KEY: [randomBytes(32)],
      PUBLIC_URL: 'http://localhost:8000',
      TRUST_PROXY: undefined,
      KEY_REQUESTS_PER_MINUTE: 60_000,
      TEMPORAL_UI_URL: undefined,
      DRAFT_RETENTION_DAYS: 90,
      AUDIT_RETENTION_DAYS: 365,
      POSTGRES_KEPT_BY: 'us',
      ...options.settings,
    };
    const reported: unknown[] = [];
    const files = openObjectStore(options.files ?? pathToFileURL(newFolder('api-files')).href);
    const backups = openBackups(options.backups ?? pathToFileURL(newFolder('api-backups')).href);
    const app = createApp({
      db,
      commands,
      sessions: createSessionCommands(db),
      files,
      backups,
      witness: options.witness ?? { held: () => null },
      provenRestore: createProvenRestore(backups, createSigner(settings.SECRET_KEY, 'backups')),
      redis,
      temporal,
      checks,
      gate,
      settings,
      logger,
      observe: createRequestObserver(registry),
      telemetry: { ...NO_TELEMETRY, report: (error) => void reported.push(error) },
      lifecycle,
    });
    const closing = [
      () => checks.close(),
      () => temporal.connection.close(),
      () => redis?.disconnect(),
      () => options.database ?? database.drop(),
    ];
    return new TestApi(app, database, commands, settings, lifecycle, registry, log, logger, reported, closing);
  }

  /** Nobody in particular. */
  get anyone() {
    return supertest(this.app);
  }
  /** A browser: it keeps cookies. */
  browser() {
    return supertest.agent(this.app);
  }
  get admin() {
    return supertest.agent(this.app).set('X-Admin-Token', ADMIN_PASSWORD);
  }
  async keyFor(name: string, ...roles: Role[]): Promise<{ id: string; key: string }> {
    const { status, body } = await this.admin.post('/api/keys').send({ name, roles });
    if (status !== 201) throw new Error(`No key was made: ${JSON.stringify(body)}`);
    return body;
  }
  /** Asks with a key of its own. */
  async person(name: string, ...roles: Role[]) {
    const { key } = await this.keyFor(name, ...roles);
    return supertest.agent(this.app).set('Authorization', `Bearer ${key}`);
  }

  async close(): Promise<void> {
    for (const close of this.closing) await close();
  }
}

export const problem = (code: string, status: number) =>
  expect.objectContaining({ type: `/problems/${code}`, status, title: expect.any(String), detail: expect.any(String) });
