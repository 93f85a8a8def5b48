// Names the objects and images of a release. A version may hold what Kubernetes allows in no name: capitals, dots, plus signs.
import { createHash } from 'node:crypto';
import type { WantedWorkers } from '../driver';
import { Version } from '../release';
import type { Container } from './objects';

/** The Deployments of ops/kubernetes/base. They are paused: the driver copies them. */
export const TEMPLATES = { api: 'countersign-api', worker: 'countersign-worker' } as const;
export const CURRENT_API = 'countersign-api-current';
export const TRIAL_API = 'countersign-api-trial';

export const NAME = { 'app.kubernetes.io/name': 'countersign' };
export const COMPONENT = 'app.kubernetes.io/component';
/** Tells the Deployments and pods of the driver from each other, and from those of the base. */
export const RELEASE = 'countersign-release';

/** Returns the image of a release: that of another one, with another tag. A tag can't hold a plus sign, and a version no underscore. */
export const imageOf = (version: string, { image }: Image): string =>
  `${withoutTag(image)}:${version.replaceAll('+', '_')}`;

/** Returns the version that an image is named by. Throws if it has no tag, or one that is no version. */
export function versionOf({ image }: Image): string {
  const tag = withoutDigest(image).slice(withoutTag(image).length + 1);
  const version = Version.safeParse(tag.replaceAll('_', '+'));
  if (!version.success) throw new Error(`The image ${image} has no version as its tag: name it by one in the overlay`);
  return version.data;
}

type Image = Pick<Container, 'image'>;
const withoutDigest = (image: string) => image.replace(/@.*$/, '');
/** The host of a registry may have a port. */
const withoutTag = (image: string) => withoutDigest(image).replace(/:[^/:]*$/, '');

const LONGEST_PART = 24;

/** Returns a name for the workers' Deployment, and for the label on its pods: a readable part, and a hash that tells it from others. */
export function workersName({ version, buildId }: WantedWorkers): string {
  const readable = version
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST_PART)
    .replace(/-+$/, '');
  const hash = createHash('sha256')
    .update(JSON.stringify([version, buildId]))
    .digest('hex')
    .slice(0, 8);
  return `${TEMPLATES.worker}-${readable}-${hash}`;
}
