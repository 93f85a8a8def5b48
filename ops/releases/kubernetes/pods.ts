// Sees which pods of the API and the workers run, those of the base among them.
import { isIPv6 } from 'node:net';
import type { Running, RunningProcess } from '../driver';
import type { Kubectl } from './kubectl';
import { COMPONENT, NAME, versionOf } from './names';
import type { Pod } from './objects';

const [[NAME_LABEL, OURS]] = Object.entries(NAME) as [[string, string]];
const PODS = `${NAME_LABEL}=${OURS},${COMPONENT} in (api,api-trial,worker)`;
const ENDED = ['Succeeded', 'Failed'];

export async function readRunning(kubectl: Kubectl): Promise<Running> {
  const pods = (await kubectl.list<Pod>('pods', PODS)).filter(({ status }) => !ENDED.includes(status?.phase ?? ''));
  const ofComponent = (component: string) =>
    pods.filter(({ metadata }) => metadata.labels?.[COMPONENT] === component).map(toProcess);
  return { api: ofComponent('api'), trial: ofComponent('api-trial'), workers: ofComponent('worker') };
}

function toProcess({ metadata, spec, status }: Pod): RunningProcess {
  const [container] = spec.containers;
  const url = (name: string) => {
    const port = container.ports?.find((one) => one.name === name)?.containerPort;
    if (port === undefined) throw new Error(`The pod ${metadata.name} has no port named ${name}`);
    return `http://${hostOf(metadata.name, status?.podIP)}:${port}`;
  };
  const deaths = (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);
  return { version: versionOf(container), url: url('http'), metrics: `${url('metrics')}/metrics`, deaths };
}

/** A pod without an address answers nobody: no host has a name below `invalid`. */
function hostOf(pod: string, address: string | undefined): string {
  if (!address) return `${pod}.invalid`;
  return isIPv6(address) ? `[${address}]` : address;
}
