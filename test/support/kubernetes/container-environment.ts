// Resolves the environment of a container as a kubelet does, from ConfigMaps and Secrets of its namespace.
import type { Container } from '../../../ops/releases/kubernetes/objects';
import { ApiRefused, type ClusterApi } from './cluster-api';

type Reference = { configMapRef?: { name: string }; secretRef?: { name: string } };
type Value = { secretKeyRef: { name: string; key: string } };

/** Returns null if an object is missing: the container then waits for it. */
export async function containerEnvironment(
  api: ClusterApi,
  namespace: string,
  { env = [], envFrom = [] }: Container,
): Promise<Record<string, string> | null> {
  const read = async (kind: string, name: string) => {
    const path = `/api/v1/namespaces/${namespace}/${kind}/${name}`;
    const { data = {} } = await api.ask<{ data?: Record<string, string> }>('GET', path);
    return kind === 'secrets' ? decoded(data) : data;
  };
  const environment: Record<string, string> = {};
  try {
    for (const { configMapRef, secretRef } of envFrom as Reference[]) {
      if (configMapRef) Object.assign(environment, await read('configmaps', configMapRef.name));
      if (secretRef) Object.assign(environment, await read('secrets', secretRef.name));
    }
    for (const { name, value = '', valueFrom } of env) {
      const secret = (valueFrom as Value | undefined)?.secretKeyRef;
      environment[name] = secret ? ((await read('secrets', secret.name))[secret.key] ?? '') : value;
    }
    return environment;
  } catch (error) {
    if (error instanceof ApiRefused && error.status === 404) return null;
    throw error;
  }
}

const decoded = (data: Record<string, string>) =>
  Object.fromEntries(Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()]));
