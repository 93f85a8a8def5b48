// What this start brings up and what the environment gives: ports, addresses, and the environment of the services.
import { type Configuration, readConfiguration } from '../runtime/configuration';
import { ENV_FILE } from '../runtime/env-file';
import { REFUSED, StartFailure } from './failure';
import type { Home } from './home';
import { writeKept } from './kept-file';
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
  worker: 8001,
  workerMetrics: 9465,
};
/** Taken as given, or not at all. */
const CHOSEN = { api: 'PORT', metrics: 'METRICS_PORT', worker: 'WORKER_PORT', workerMetrics: 'WORKER_METRICS_PORT' };
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
    // The services get all from here: a file for production must not lead an installation for trials to its servers.
    [ENV_FILE]: '',
    MAIL_FROM: 'Countersign <countersign@localhost>',
    FILES_URL: `file://${encodeURI(home.files)}`,
    BACKUP_URL: `file://${encodeURI(home.backups)}`,
  };
  const composed: NodeJS.ProcessEnv = {
    ...defaults,
    ...withoutUnset(given.temporal ? env : forOwnTemporal(env, home)),
  };
  // Every fault is told before anything is started.
  const settings = readConfiguration({
    ...composed,
    DATABASE_URL: given.database ?? 'postgresql://127.0.0.1/countersign',
    SMTP_URL: given.smtp ?? 'smtp://127.0.0.1',
    // One that is not given is chosen below, beside all others.
    METRICS_PORT: set('METRICS_PORT') ?? '0',
    WORKER_PORT: set('WORKER_PORT') ?? '0',
  });
  const ports = await choosePorts(settings, set);
  Object.assign(composed, {
    PORT: String(ports.api),
    METRICS_PORT: String(ports.metrics),
    WORKER_PORT: String(ports.worker),
    WORKER_METRICS_PORT: String(ports.workerMetrics),
  });
  return { ports, given, temporalNamespace: set('TEMPORAL_NAMESPACE') ?? 'default', env: composed, settings };
}

/** What a profile or the shell says of another Temporal, such as its key, is not for the one that is brought up here. */
function forOwnTemporal(env: NodeJS.ProcessEnv, home: Home): NodeJS.ProcessEnv {
  const isOthers = (name: string) => name.startsWith('TEMPORAL_') && !/_(NAMESPACE|UI_URL)$/.test(name);
  const kept = Object.entries(env).filter(([name]) => !isOthers(name));
  // It says nothing, so that the SDK does not look for the user's. The SDK takes no empty file.
  const file = home.file('temporal.toml');
  writeKept(file, '[profile.default]\n');
  return { ...Object.fromEntries(kept), TEMPORAL_CONFIG_FILE: file };
}

async function choosePorts(settings: Configuration, set: (name: string) => string | undefined): Promise<Ports> {
  const ports: Partial<Ports> = {};
  const taken = new Set<number>();
  const choose = (name: keyof Ports, port: number) => {
    ports[name] = port;
    taken.add(port);
  };
  for (const [name, variable] of Object.entries(CHOSEN) as [keyof typeof CHOSEN, string][]) {
    const wanted = name === 'api' ? settings.PORT : Number(set(variable) ?? 0);
    if (wanted === 0) continue;
    if (taken.has(wanted) || !(await isPortFree(wanted))) {
      throw new StartFailure(
        `Port ${wanted} is taken by another program. End that one, or choose another port: ${variable}=${wanted + 1} npm start`,
        REFUSED,
      );
    }
    choose(name, wanted);
  }
  if (ports.api === undefined) choose('api', await freePort());
  for (const name of Object.keys(USUAL) as (keyof typeof USUAL)[]) {
    if (ports[name] === undefined) choose(name, await freePort(USUAL[name], taken));
  }
  return ports as Ports;
}

function withoutUnset<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== '')) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
