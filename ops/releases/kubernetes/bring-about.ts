// Brings about what is to run: a Deployment for the API, its trial, and the workers of each release; no other.
import type { Wanted } from '../driver';
import { apiDeployment, trialDeployment, workersDeployment } from './deployments';
import type { Kubectl } from './kubectl';
import { COMPONENT, CURRENT_API, RELEASE, TEMPLATES } from './names';
import type { ClusterObject, Deployment } from './objects';

export interface Templates {
  api: Deployment;
  worker: Deployment;
}

/** Throws if a template would start pods itself: two Deployments would then run the same release. */
export async function readTemplates(kubectl: Kubectl): Promise<Templates> {
  const read = async (name: string) => {
    const found = await kubectl.get<Deployment>('deployment', name);
    if (found?.spec.paused) return found;
    throw new Error(
      `The Deployment ${name} is ${found ? 'not paused' : 'missing'}: apply the overlay with the component "releases"`,
    );
  };
  const [api, worker] = await Promise.all([read(TEMPLATES.api), read(TEMPLATES.worker)]);
  return { api, worker };
}

/** May be repeated: what is so already stays as it is. */
export async function bringAbout(
  kubectl: Kubectl,
  { api, trial, workers }: Wanted,
  templates: Templates,
): Promise<void> {
  const current = await kubectl.get<Deployment>('deployment', CURRENT_API);
  const wanted = [
    ...(api !== null || current ? [apiDeployment(templates.api, current, api)] : []),
    ...(trial !== null ? [trialDeployment(templates.api, trial)] : []),
    ...workers.map((one) => workersDeployment(templates.worker, one)),
  ];
  for (const deployment of wanted) await kubectl.apply(deployment);
  const names = wanted.map(({ metadata }) => metadata.name);
  for (const { metadata } of await kubectl.list<Deployment>('deployments', RELEASE)) {
    if (!names.includes(metadata.name)) await kubectl.remove('deployment', metadata.name);
  }
  await endTemplates(kubectl);
}

/** Ends the pods from before the component was applied. A paused Deployment makes no ReplicaSet again. */
async function endTemplates(kubectl: Kubectl): Promise<void> {
  const names: string[] = Object.values(TEMPLATES);
  for (const { metadata } of await kubectl.list<ClusterObject>('replicasets', `${COMPONENT} in (api,worker)`)) {
    if (metadata.ownerReferences?.some(({ name }) => names.includes(name))) {
      await kubectl.remove('replicaset', metadata.name);
    }
  }
}
