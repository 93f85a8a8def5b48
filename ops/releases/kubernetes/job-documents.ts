// Makes the documents of a Job that runs one command like a pod of the API. stdout is the pod's log; stderr goes to the
// termination message, of which Kubernetes keeps the end, since a log has both in one.
import { COMPONENT, NAME } from './names';
import type { ClusterObject, Container, Job, PodSpec } from './objects';

export const PROGRAM = 'program';
const RUNNER = 'countersign-runner';
/** After its end, if the driver was killed. */
const KEPT_SECONDS = 3600;
const GRACE_SECONDS = 5;
const APART = ['sh', '-c', 'exec "$@" 2>>/dev/termination-log', 'sh'];

export interface JobDocument {
  name: string;
  /** Tells the programs of this driver from those that another one left. */
  runner: string;
  image: string;
  command: string[];
  like: PodSpec;
  /** Whether it gets the settings and secrets of that pod. */
  configured: boolean;
  /** Whether there is a Secret of its own. */
  hasSettings: boolean;
  pull?: 'Always' | 'IfNotPresent';
}

/** Selects the programs with settings that other drivers left. */
export const programJobs = (runner: string): string => `${RUNNER},${RUNNER}!=${runner}`;

export function jobDocument({ name, runner, like, ...given }: JobDocument): Job {
  const labels = { ...NAME, [COMPONENT]: PROGRAM, ...(given.configured ? { [RUNNER]: runner } : {}) };
  const { topologySpreadConstraints: _, containers, ...pod } = like;
  const [container, ...others] = containers;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels },
    spec: {
      backoffLimit: 0,
      ttlSecondsAfterFinished: KEPT_SECONDS,
      template: {
        metadata: { labels },
        spec: {
          ...pod,
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: GRACE_SECONDS,
          containers: [program(container, name, given), ...others],
        },
      },
    },
  };
}

/** What is given beyond the settings may be a secret: a Job is read by more people than a Secret. */
export function settingsDocument(
  owner: Job,
  env: NodeJS.ProcessEnv,
): ClusterObject & { stringData: NodeJS.ProcessEnv } {
  const { apiVersion, kind, metadata } = owner;
  const { name, uid } = metadata;
  if (!uid) throw new Error(`The cluster gave the job ${name} no uid`);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, labels: NAME, ownerReferences: [{ apiVersion, kind, name, uid }] },
    stringData: env,
  };
}

type Given = Pick<JobDocument, 'image' | 'command' | 'configured' | 'hasSettings' | 'pull'>;

function program(like: Container, secret: string, { image, command, configured, hasSettings, pull }: Given): Container {
  const { resources, securityContext, volumeMounts, env = [], envFrom = [] } = like;
  return {
    name: PROGRAM,
    image,
    imagePullPolicy: pull ?? 'IfNotPresent',
    command: [...APART, ...command],
    terminationMessagePolicy: 'File',
    ...(configured ? { env, envFrom: [...envFrom, ...(hasSettings ? [{ secretRef: { name: secret } }] : [])] } : {}),
    resources,
    securityContext,
    volumeMounts,
  };
}
