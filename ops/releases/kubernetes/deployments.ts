// Makes the Deployments of releases from those of ops/kubernetes/base: the same pods, with another image.
import type { WantedWorkers } from '../driver';
import { COMPONENT, CURRENT_API, imageOf, NAME, RELEASE, TRIAL_API, workersName } from './names';
import type { Container, Deployment } from './objects';

/** Holds the number of API pods while there are none. */
const REPLICAS = 'countersign-replicas';
const BUILD_ID = 'TEMPORAL_WORKER_BUILD_ID';

interface Changes {
  name: string;
  component: string;
  image: string;
  replicas: number;
  annotations?: Record<string, string>;
  /** Null removes the variable. */
  env?: Record<string, string | null>;
}

/**
 * @param current the Deployment as it is, null if there is none: an autoscaler may have set its number of pods
 * @param version null: no pods
 */
export function apiDeployment(template: Deployment, current: Deployment | null, version: string | null): Deployment {
  const running = current?.spec.replicas ?? 0;
  const before = Number(current?.metadata.annotations?.[REPLICAS] ?? template.spec.replicas ?? 1);
  const image = version === null ? containerOf(current ?? template).image : imageOf(version, containerOf(template));
  return changed(template, {
    name: CURRENT_API,
    component: 'api',
    image,
    replicas: version === null ? 0 : running || before,
    ...(version === null ? { annotations: { [REPLICAS]: String(running || before) } } : {}),
  });
}

/** Its pods have labels that no Service selects. */
export const trialDeployment = (template: Deployment, version: string): Deployment =>
  changed(template, {
    name: TRIAL_API,
    component: 'api-trial',
    image: imageOf(version, containerOf(template)),
    replicas: 1,
  });

export const workersDeployment = (template: Deployment, workers: WantedWorkers): Deployment =>
  changed(template, {
    name: workersName(workers),
    component: 'worker',
    image: imageOf(workers.version, containerOf(template)),
    replicas: template.spec.replicas ?? 1,
    env: { [BUILD_ID]: workers.buildId },
  });

/** Returns the build that the pods of a Deployment say they are; null if they take part in no worker versioning. */
export const buildIdOf = (deployment: Deployment): string | null =>
  containerOf(deployment).env?.find(({ name }) => name === BUILD_ID)?.value ?? null;

export const containerOf = ({ spec }: Deployment): Container => spec.template.spec.containers[0];

function changed(
  { spec }: Deployment,
  { name, component, image, replicas, annotations, env = {} }: Changes,
): Deployment {
  const labels = { ...NAME, [COMPONENT]: component, [RELEASE]: name };
  const { paused: _, template, ...others } = spec;
  const [container, ...sidecars] = template.spec.containers;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels, ...(annotations ? { annotations } : {}) },
    spec: {
      ...others,
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: {
          ...template.metadata,
          labels: { ...template.metadata.labels, ...labels },
        },
        spec: {
          ...template.spec,
          containers: [{ ...container, image, env: withVariables(container.env ?? [], env) }, ...sidecars],
        },
      },
    },
  };
}

function withVariables(
  given: NonNullable<Container['env']>,
  changes: Record<string, string | null>,
): NonNullable<Container['env']> {
  const added = Object.entries(changes).flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
  return [...given.filter(({ name }) => !(name in changes)), ...added];
}
