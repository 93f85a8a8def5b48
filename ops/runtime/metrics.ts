// Serves a process's metrics to Prometheus, on a port of its own that is not for the public.
import { createServer, type Server } from 'node:http';
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import { type Listening, listenOn } from './listening';
import { droppedLines } from './log-destination';
import { within } from './within';

const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Node's parser takes some thirty more, from any client. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export function createRegistry(process: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry });
  new Counter({
    name: 'countersign_log_lines_dropped_total',
    help: 'Log lines that were dropped because the log could not be written, for instance to a full disk',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(droppedLines());
    },
  });
  return registry;
}

export const HTTP_REQUESTS = 'countersign_http_request_duration_seconds';

export interface ObservedRequest {
  method: string;
  /** The route's pattern, never the path. */
  route: string;
  status: number;
  seconds: number;
}

export function createRequestObserver(registry: Registry): (request: ObservedRequest) => void {
  const histogram = new Histogram({
    name: HTTP_REQUESTS,
    help: 'Time from a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers: [registry],
  });
  // There before the first request, so that its absence means that nobody measures.
  histogram.zero({ method: 'GET', route: '/ready', status: 200 });
  return ({ method, route, status, seconds }) =>
    histogram.observe({ method: METHODS.has(method) ? method : 'other', route, status }, seconds);
}

/** @param readMore returns further metrics in Prometheus's text format; if it fails or hangs, those alone are missing */
export async function startMetricsServer(
  registry: Registry,
  where: Listening,
  readMore?: () => Promise<string>,
): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404).end();
      return;
    }
    void Promise.all([render(registry), readMore ? boundedly(readMore()) : null]).then(([own, more]) =>
      response.writeHead(200, { 'Content-Type': registry.contentType }).end(`${own}${more ?? ''}`),
    );
  });
  await listenOn(server, where);
  return server;
}

/** Longer than a gauge takes that bounds itself (observed-gauge.ts), so that this cuts off only what has no bound. */
const COLLECTED_WITHIN_MS = 1_500;

/** Renders each metric on its own: one that fails or hangs is missing, and all others are still there. */
async function render(registry: Registry): Promise<string> {
  const texts = await Promise.all(
    registry.getMetricsAsArray().map(({ name }) => boundedly(Promise.resolve(registry.getSingleMetricAsString(name)))),
  );
  return `${texts.filter((text) => text !== null).join('\n\n')}\n`;
}

const boundedly = (text: Promise<string>) => within(COLLECTED_WITHIN_MS, text).catch(() => null);
