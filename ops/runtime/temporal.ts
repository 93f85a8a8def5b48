// The Temporal client of a process that must never wait for Temporal: it connects when it is first used, fails at once
// while the server is away, and finds it again within a second of its return.
import { Client, Connection, type WorkflowClientInterceptor } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { ConfigurationError } from './configuration';

export type TemporalSettings = ReturnType<typeof temporalSettings>;

/** Address, namespace, API key and TLS as the SDK's own environment variables say. Empty values count as unset. */
export function temporalSettings() {
  const { connectionOptions, namespace = 'default' } = load();
  return { connectionOptions, namespace };
}

/** Throws a ConfigurationError: the SDK's own error quotes the file, which may hold a key. */
function load(): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig({ overrideEnvVars: withoutEmpty(process.env) });
  } catch {
    throw new ConfigurationError(
      "Temporal's configuration file can not be used: check TEMPORAL_CONFIG_FILE, that its TOML is valid, and that it holds TEMPORAL_PROFILE.",
    );
  }
}

/** The SDK would take an empty API key, or an empty path, for the wish to have TLS. */
function withoutEmpty(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])));
}

/** Address, namespace, API key and TLS are the SDK's own environment variables, unless given. */
export function openTemporalClient(
  given: { address?: string; namespace?: string } = {},
  workflow: WorkflowClientInterceptor[] = [],
): Client {
  const { connectionOptions, namespace } = temporalSettings();
  return openClientOf(
    {
      connectionOptions: { ...connectionOptions, ...(given.address ? { address: given.address } : {}) },
      namespace: given.namespace ?? namespace,
    },
    workflow,
  );
}

export function openClientOf(
  { connectionOptions, namespace }: TemporalSettings,
  workflow: WorkflowClientInterceptor[] = [],
): Client {
  const connection = Connection.lazy({
    ...connectionOptions,
    // Who can't wait tries again by themselves; a retry that outlives its connection would end the process.
    interceptors: [],
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 1_000 },
  });
  return new Client({ connection, namespace, interceptors: { workflow } });
}
