// Runs a command in an image to its end, as a Job.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProgramEnd } from '../driver';
import { type JobDocument, jobDocument, PROGRAM, programJobs, settingsDocument } from './job-documents';
import type { Kubectl } from './kubectl';
import type { ContainerStatus, Job, Pod } from './objects';

/** The image can't be pulled. */
export class ImageUnavailable extends Error {
  override name = 'ImageUnavailable';
}

export interface JobRun extends Omit<JobDocument, 'name' | 'runner' | 'hasSettings'> {
  /** Beyond that of the pod it is like. */
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

export interface Jobs {
  /** Throws ImageUnavailable; or the signal's reason, once the command has ended. */
  run(run: JobRun): Promise<ProgramEnd>;
}

const ASKS_EACH_MS = 1_000;
/** A registry may be away for a moment. */
const PULLS_FOR_MS = 60_000;
const STARTS_WITHIN_MS = 600_000;
const ENDS_WITHIN_MS = 60_000;
const CANNOT_PULL = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull'];

/** @param pullsForMs how long a pull is tried */
export function createJobs(kubectl: Kubectl, pullsForMs = PULLS_FOR_MS): Jobs {
  const runner = randomBytes(6).toString('hex');
  const podOf = async (name: string): Promise<Pod | null> => {
    const [pod] = await kubectl.list<Pod>('pods', `batch.kubernetes.io/job-name=${name}`);
    return pod ?? null;
  };

  /** Resolves when none of its processes is left. */
  async function remove(name: string): Promise<void> {
    await kubectl.remove('job', name);
    const until = Date.now() + ENDS_WITHIN_MS;
    while (await podOf(name)) {
      if (Date.now() > until) throw new Error(`The pod of the job ${name} has not ended: see what its node does`);
      await delay(ASKS_EACH_MS);
    }
  }

  /** The driver that started them was killed. Two programs at once could undo each other's work. */
  async function removeLeftovers(): Promise<void> {
    for (const { metadata } of await kubectl.list<Job>('jobs', programJobs(runner))) await remove(metadata.name);
  }

  async function ended(name: string, signal?: AbortSignal): Promise<{ pod: string; status: Ended }> {
    const begun = Date.now();
    let pullFails: number | null = null;
    let isThere = false;
    for (;;) {
      const pod = await podOf(name);
      if (isThere && !pod) throw new Error(`The pod of the job ${name} is gone before its end: its node was lost`);
      isThere = pod !== null;
      const status = pod?.status?.containerStatuses?.find((one) => one.name === PROGRAM);
      const { terminated, waiting, running } = status?.state ?? {};
      if (pod && terminated) return { pod: pod.metadata.name, status: terminated };
      if (pod?.status?.phase === 'Failed') throw new Error(`The pod of the job ${name} failed: ${pod.status.reason}`);
      pullFails = CANNOT_PULL.includes(waiting?.reason ?? '') ? (pullFails ?? Date.now()) : null;
      if (pullFails !== null && Date.now() - pullFails >= pullsForMs) {
        throw new ImageUnavailable(`The image can't be pulled: ${waiting?.message ?? waiting?.reason}`);
      }
      if (!running && Date.now() - begun > STARTS_WITHIN_MS) {
        throw new Error(`The job ${name} has not started: ${waiting?.reason ?? 'it waits for a node'}`);
      }
      await delay(ASKS_EACH_MS, undefined, signal ? { signal } : {});
    }
  }

  return {
    async run({ env = {}, signal, ...run }) {
      signal?.throwIfAborted();
      if (run.configured) await removeLeftovers();
      const name = `countersign-program-${randomBytes(5).toString('hex')}`;
      const hasSettings = Object.keys(env).length > 0;
      try {
        const job = await kubectl.create(jobDocument({ ...run, name, runner, hasSettings }));
        // The pod waits for its Secret, which goes with the Job that owns it.
        if (hasSettings) await kubectl.create(settingsDocument(job, env));
        const { pod, status } = await ended(name, signal);
        return { code: status.exitCode, stdout: await kubectl.logs(pod), stderr: status.message ?? '' };
      } catch (error) {
        throw signal?.aborted ? signal.reason : error;
      } finally {
        await remove(name);
      }
    },
  };
}

type Ended = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;
