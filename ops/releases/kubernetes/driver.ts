// Runs releases in a Kubernetes cluster: it changes Deployments by `kubectl`, and the cluster starts and ends the pods.
import type { ReleaseDriver } from '../driver';
import { PROGRAMS } from '../programs';
import { parseRelease, type Release } from '../release';
import { bringAbout, readTemplates } from './bring-about';
import { buildIdOf, containerOf } from './deployments';
import { createJobs, ImageUnavailable } from './jobs';
import { createKubectl, type Kubectl } from './kubectl';
import { imageOf, versionOf } from './names';
import { readRunning } from './pods';
import { readFound, readWanted, writeFound, writeWanted } from './records';

/** Scheduling, the pull of an image, and the five minutes of the startup probe. */
const READY_WITHIN_MS = 600_000;
const READ_RELEASE = ['cat', 'dist/release.json'];

/** @param kubectl finds the cluster and the namespace */
export function createKubernetesDriver(kubectl: Kubectl = createKubectl()): ReleaseDriver {
  const jobs = createJobs(kubectl);
  async function likeApi(version: string) {
    const { api } = await readTemplates(kubectl);
    return { image: imageOf(version, containerOf(api)), like: api.spec.template.spec };
  }

  /** Throws ImageUnavailable. */
  async function askImage(version: string): Promise<Release | null> {
    const like = await likeApi(version);
    const { code, stdout } = await jobs.run({ ...like, command: READ_RELEASE, configured: false, pull: 'Always' });
    // An image from before there were releases.
    if (code !== 0) return null;
    const release = parseRelease(stdout);
    if (release.version !== version) throw new Error(`The image ${like.image} holds the version ${release.version}`);
    await writeFound(kubectl, release);
    return release;
  }

  /** Returns the images of ops/kubernetes/base before the first deployment. */
  async function readOrDefault() {
    const written = await readWanted(kubectl);
    if (written) return written;
    const { api, worker } = await readTemplates(kubectl);
    const workers = [{ version: versionOf(containerOf(worker)), buildId: buildIdOf(worker) }];
    return { api: versionOf(containerOf(api)), trial: null, workers };
  }

  return {
    name: 'kubernetes',
    readyWithinMs: READY_WITHIN_MS,
    async find(version) {
      try {
        return (await readFound(kubectl, version)) ?? (await askImage(version));
      } catch (error) {
        if (error instanceof ImageUnavailable) return null;
        throw error;
      }
    },
    async run({ version, program, args = [], env = {}, signal }) {
      const command = ['node', ...PROGRAMS[program], ...args];
      const like = await likeApi(version);
      return jobs.run({ ...like, command, configured: true, env, ...(signal ? { signal } : {}) });
    },
    wanted: readOrDefault,
    async want(wanted) {
      const templates = await readTemplates(kubectl);
      await writeWanted(kubectl, wanted);
      await bringAbout(kubectl, wanted, templates);
    },
    async start() {
      await bringAbout(kubectl, await readOrDefault(), await readTemplates(kubectl));
    },
    running: () => readRunning(kubectl),
  };
}
