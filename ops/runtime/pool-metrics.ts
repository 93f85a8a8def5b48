// Measures the use of the connection pool and the time of its queries, of Prisma's and our own alike.
import { AsyncResource } from 'node:async_hooks';
import type pg from 'pg';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Telemetry } from './telemetry';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];
/** What pg-pool says after DB_POOL_TIMEOUT_SECONDS in which no connection came free, or none could be opened. It has no code. */
const TIMED_OUT = ['timeout exceeded when trying to connect', 'Connection terminated due to connection timeout'];

/** Call this before the pool is first used: only connections that open later are measured. */
export function observePool(registry: Registry, pool: pg.Pool, telemetry: Pick<Telemetry, 'query'>): void {
  observeConnections(registry, pool);
  observeWaits(registry, pool);
  const queries = new Histogram({
    name: 'countersign_db_query_duration_seconds',
    help: 'Time from a query to its result, without the wait for a connection',
    buckets: SECONDS,
    registers: [registry],
  });
  const begin = () => {
    const endSpan = telemetry.query();
    const endTimer = queries.startTimer();
    return () => {
      endTimer();
      endSpan();
    };
  };
  pool.on('connect', (client) => observeQueries(client, begin));
}

function observeConnections(registry: Registry, pool: pg.Pool): void {
  new Gauge({
    name: 'countersign_db_connections',
    help: 'Database connections by state; waiting: requests that wait for one',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.set({ state: 'busy' }, pool.totalCount - pool.idleCount);
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'waiting' }, pool.waitingCount);
    },
  });
  new Gauge({
    name: 'countersign_db_pool_size',
    help: 'How many connections the pool may open: DB_POOL_SIZE and DB_POOL_OVERFLOW together',
    registers: [registry],
  }).set(pool.options.max);
}

type OnConnected = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: unknown) => void,
) => void;

function observeWaits(registry: Registry, pool: pg.Pool): void {
  const waits = new Histogram({
    name: 'countersign_db_connection_wait_seconds',
    help: 'Time for which a query or a transaction waited for a connection of the pool',
    buckets: SECONDS,
    registers: [registry],
  });
  const timeouts = new Counter({
    name: 'countersign_db_pool_timeouts_total',
    help: 'Waits for a connection that were given up after DB_POOL_TIMEOUT_SECONDS',
    registers: [registry],
  });
  // `pool.query` asks for its connection through `connect`, too.
  const connect = pool.connect.bind(pool) as (onConnected: OnConnected) => void;
  const connectObserved = (onConnected: OnConnected) => {
    const observeWait = waits.startTimer();
    const connected: OnConnected = (error, client, done) => {
      observeWait();
      if (error && TIMED_OUT.includes(error.message)) timeouts.inc();
      onConnected(error, client, done);
    };
    // Else what waits runs in the trace of whoever gives the connection back.
    connect(AsyncResource.bind(connected));
  };
  pool.connect = ((onConnected?: OnConnected) => {
    if (onConnected) return connectObserved(onConnected);
    return new Promise((resolve, reject) => {
      connectObserved((error, client) => (client ? resolve(client) : reject(error)));
    });
  }) as typeof pool.connect;
}

/** pg answers a query by a callback if the last argument is one, else by a promise. */
function observeQueries(client: pg.PoolClient, begin: () => () => void): void {
  const query = client.query.bind(client) as (...given: unknown[]) => unknown;
  client.query = ((...given: unknown[]) => {
    const end = begin();
    const last = given.at(-1);
    if (typeof last === 'function') {
      return query(...given.slice(0, -1), (...answer: unknown[]) => {
        end();
        last(...answer);
      });
    }
    const result = query(...given);
    if (result instanceof Promise) result.then(end, end);
    return result;
  }) as typeof client.query;
}
