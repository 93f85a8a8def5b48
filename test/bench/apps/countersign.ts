// Countersign as it runs in production: its built API and worker, with its own defaults.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { freePort } from '../../../ops/local/ports';
import { laneId, MAIL_LANE } from '../../../workflows/contracts/lane';
import { createMigratedDatabase } from '../../support/database';
import { addSearchAttributes } from '../../support/temporal';
import { eventsOfRuns, eventsOfWorkflows } from '../histories';
import { HttpClient } from '../http-client';
import { Program } from '../program';
import type { Servers } from '../servers';
import { type App, answers, draftTo } from './app';

const ADMIN_PASSWORD = 'the-admin-password-of-the-bench';

export interface Countersign {
  people: App;
  policy: App;
  reject(id: string): Promise<unknown>;
  databaseUrl: string;
  environment: Record<string, string>;
  client: Client;
  /** Sends requests to these processes of the API in turn. */
  spreadOver(origins: string[]): void;
  asAdmin<T>(method: string, path: string, body?: unknown): Promise<T>;
  stop(): Promise<unknown>;
}

export async function startCountersign(
  servers: Servers,
  nodeOptions: string[],
  given: Record<string, string> = {},
  name = 'countersign',
): Promise<Countersign> {
  const databaseUrl = await createMigratedDatabase(servers.postgres.url, name);
  const env = { ...(await environment(servers, databaseUrl, name)), ...given };
  const namespace = env.TEMPORAL_NAMESPACE ?? 'default';
  const connection = await Connection.connect({ address: servers.temporalAddress });
  await addSearchAttributes(connection, namespace);
  const worker = Program.start('worker', [...nodeOptions, 'dist/worker/main.js'], servers.folder, env);
  const api = Program.start('api', [...nodeOptions, 'dist/api/main.js'], servers.folder, env);
  const origin = `http://127.0.0.1:${env.PORT}`;
  await answers(`${origin}/ready`).catch((error) => {
    throw api.running ? error : api.failure();
  });

  const http = new HttpClient([origin]);
  const admin = { 'x-admin-token': ADMIN_PASSWORD };
  const keyFor = async (name: string, role: string) => {
    const { key } = await http.post<{ key: string }>('/api/keys', { name, roles: [role] }, admin);
    return { authorization: `Bearer ${key}` };
  };
  const author = await keyFor('an agent that people watch', 'author');
  const trusted = await keyFor('an agent that policy trusts', 'author');
  const approver = await keyFor('a person', 'approver');
  const policy = {
    mode: 'active',
    rules: [{ name: 'trusted', when: { author: 'an agent that policy trusts' }, then: { outcome: 'auto_approve' } }],
    otherwise: { outcome: 'require' },
  };
  await http.send('PUT', '/api/policy', policy, admin);

  const client = new Client({ connection, namespace });
  const createAs = (headers: Record<string, string>) => async (recipient: string) => {
    const { id } = await http.post<{ id: string }>('/api/drafts', draftTo(recipient), headers);
    return id;
  };
  const shared = {
    processes: [
      { name: 'countersign api', pid: () => api.pid },
      { name: 'countersign worker', pid: () => worker.pid },
      { name: 'postgres', pid: () => servers.postgres.pid },
      { name: 'temporal', pid: () => servers.temporal.pid },
      { name: 'redis', pid: () => servers.redis.pid },
    ],
    sharedEvents: () => eventsOfRuns(client, laneId(MAIL_LANE)),
  };
  return {
    databaseUrl,
    environment: env,
    client,
    spreadOver: (origins) => http.spreadOver(origins),
    asAdmin: async <T>(method: string, path: string, body?: unknown) =>
      JSON.parse(await http.send(method, path, body, admin)) as T,
    stop: () => Promise.all([api.stop(), worker.stop(), connection.close()]),
    reject: (id) => http.send('POST', `/api/drafts/${id}/reject`, { reason: 'Not now.' }, approver),
    people: {
      ...shared,
      name: 'people',
      title: 'Countersign, by people',
      create: createAs(author),
      approve: (id) => http.send('POST', `/api/drafts/${id}/approve`, { revision: 1 }, approver),
      eventsOf: (ids) =>
        eventsOfWorkflows(
          client,
          ids.map((id) => `draft-${id}`),
        ),
    },
    policy: {
      ...shared,
      name: 'policy',
      title: 'Countersign, by policy',
      create: createAs(trusted),
      approve: null,
      eventsOf: async () => 0,
    },
  };
}

async function environment(servers: Servers, databaseUrl: string, own: string): Promise<Record<string, string>> {
  const folder = (name: string) => {
    const path = join(servers.folder, own, name);
    mkdirSync(path, { recursive: true });
    return `file://${path}`;
  };
  return {
    DATABASE_URL: databaseUrl,
    REDIS_URL: servers.redis.url,
    TEMPORAL_ADDRESS: servers.temporalAddress,
    SMTP_URL: servers.smtp,
    MAIL_FROM: 'bench@example.test',
    FILES_URL: folder('files'),
    BACKUP_URL: folder('backup'),
    ADMIN_PASSWORD,
    SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
    PORT: String(await freePort()),
    METRICS_PORT: String(await freePort()),
    WORKER_PORT: '0',
    WORKER_METRICS_PORT: String(await freePort()),
    // One key asks as much here as a whole fleet does elsewhere.
    KEY_REQUESTS_PER_MINUTE: '100000000',
  };
}
