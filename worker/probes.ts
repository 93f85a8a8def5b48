// Answers the probes of a supervisor such as Kubernetes, on a port of the worker's own.
import { createServer, type Server } from 'node:http';
import type { Client } from '@temporalio/client';
import { askDatabase } from '../ops/runtime/ask-database';
import { type Listening, listenOn } from '../ops/runtime/listening';
import { ANSWERS_WITHIN_MS, pingTemporal, troubleOf } from '../ops/runtime/trouble';

export interface WorkerStage {
  /** Has Temporal, and carries out what needs no database: bringing the database back may be its task. */
  hasStarted: boolean;
  /** Takes every task. */
  isWorking: boolean;
  isDraining: boolean;
}

export interface ProbesDependencies {
  stage: WorkerStage;
  temporal: Client;
  databaseUrl: string;
}

interface Answer {
  status: number;
  body: { status: string; checks?: Record<string, string> };
}

export async function startProbes(
  { stage, temporal, databaseUrl }: ProbesDependencies,
  where: Listening,
): Promise<Server> {
  let checking: Promise<Record<string, string>> | null = null;

  async function check(): Promise<Record<string, string>> {
    const ask = { name: 'countersign probe', withinMs: ANSWERS_WITHIN_MS };
    const [database, processes] = await Promise.all([
      troubleOf(() => askDatabase(databaseUrl, 'SELECT 1', ask)),
      troubleOf(() => pingTemporal(temporal)),
    ]);
    const state = (trouble: string | null) => (trouble === null ? 'ready' : `not_ready: ${trouble}`);
    return { database: state(database), temporal: state(processes) };
  }

  /** Probes that come meanwhile share one look. */
  const look = () => {
    checking ??= check().finally(() => {
      checking = null;
    });
    return checking;
  };

  async function answerReady(): Promise<Answer> {
    const { isDraining, isWorking } = stage;
    const worker = isDraining ? 'not_ready: shutting down' : isWorking ? 'ready' : 'not_ready: starting';
    const checks = { worker, ...(await look()) };
    const isReady = Object.values(checks).every((one) => one === 'ready');
    return isReady
      ? { status: 200, body: { status: 'ready', checks } }
      : { status: 503, body: { status: 'not_ready', checks } };
  }

  async function answerStartup(): Promise<Answer> {
    if (stage.hasStarted) return { status: 200, body: { status: 'started' } };
    return { status: 503, body: { status: 'starting', checks: await look() } };
  }

  const routes: Record<string, () => Answer | Promise<Answer>> = {
    '/healthz': () => ({ status: 200, body: { status: 'alive' } }),
    '/ready': answerReady,
    '/startup': answerStartup,
  };
  const server = createServer(async (request, response) => {
    const route = request.method === 'GET' ? routes[request.url ?? ''] : undefined;
    if (!route) return void response.writeHead(404).end();
    const { status, body } = await route();
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  });
  await listenOn(server, where);
  return server;
}
