// What this start brings up and what the environment gives: ports, addresses, and the environment of the services.
import { type Configuration, readConfiguration } from '../runtime/configuration';
import { REFUSED, StartFailure } from './failure';
import type { Home } from './home';
import type { KeptSettings } from './kept-settings';
import { freePort, isPortFree } from './ports';

const USUAL = {
  temporal: 7233,
  temporalUi: 8233,
  postgres: 5432,
  redis: 6379,
  smtp: 1025,
  mailbox: 8025,
  metrics: 9464,
  workerMetrics: 9465,
};
export type Ports = Record<keyof typeof USUAL | 'api', number>;

export interface Plan {
  ports: Ports;
  /** Missing: the embedded one is brought up. */
  given: { database?: string; temporal?: string; redis?: string; smtp?: string };
  temporalNamespace: string;
  /** Of the services, but for the addresses that are known only once their servers run. */
  env: NodeJS.ProcessEnv;
  settings: Configuration;
}

export async function makePlan(home: Home, kept: KeptSettings, env: NodeJS.ProcessEnv): Promise<Plan> {
  const set = (name: string) => env[name] || undefined;
  const given = withoutUnset({
    database: set('DATABASE_URL'),
    temporal: set('TEMPORAL_ADDRESS'),
    redis: set('REDIS_URL'),
    smtp: set('SMTP_URL'),
  });
  const defaults = {
    ...kept,
    NODE_ENV: 'production',
    MAIL_FROM: 'Countersign <countersign@localhost>',
    FILES_URL: `file://${encodeURI(home.files)}`,
    BACKUP_URL: `file://${encodeURI(home.backups)}`,
  };
  const composed: NodeJS.ProcessEnv = { ...defaults, ...withoutUnset(env) };
  // Every fault is told before anything is started.
  const settings = readConfiguration({
    ...composed,
    DATABASE_URL: given.database ?? 'postgresql://127.0.0.1',
    SMTP_URL: given.smtp ?? 'smtp://127.0.0.1',
  });
  const ports = await choosePorts(settings, set);
  Object.assign(composed, {
    PORT: String(ports.api),
    METRICS_PORT: String(ports.metrics),
    WORKER_METRICS_PORT: String(ports.workerMetrics),
  });
  return { ports, given, temporalNamespace: set('TEMPORAL_NAMESPACE') ?? 'default', env: composed, settings };
}

async function choosePorts(settings: Configuration, set: (name: string) => string | undefined): Promise<Ports> {
  const api = settings.PORT || (await freePort());
  if (!((await isPortFree(api)) && (await isPortFree(api, '')))) {
    throw new StartFailure(
      `Port ${api} is taken by another program. End that one, or choose another port: PORT=${api + 1} npm start`,
      REFUSED,
    );
  }
  const taken = new Set([api]);
  const ports: Partial<Ports> = { api };
  const fixed = { metrics: set('METRICS_PORT'), workerMetrics: set('WORKER_METRICS_PORT') };
  for (const name of Object.keys(USUAL) as (keyof typeof USUAL)[]) {
    const wanted = name === 'metrics' || name === 'workerMetrics' ? Number(fixed[name] ?? 0) : 0;
    const port = wanted || (await freePort(USUAL[name], taken));
    ports[name] = port;
    taken.add(port);
  }
  return ports as Ports;
}

function withoutUnset<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== '')) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
