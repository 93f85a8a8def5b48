// Reads what the repository says about deployment: Dockerfile, compose file, Kubernetes manifests.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseEnv } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';

export const readText = (path: string) => readFileSync(join(PACKAGE_ROOT, path), 'utf8');

/** Returns every document of a YAML file. Throws for what is no YAML, and for a key that stands twice. */
export function readYaml(path: string): Tree[] {
  return parseAllDocuments(readText(path), { merge: true }).map((document) => {
    if (document.errors.length > 0) throw new Error(`${path}: ${document.errors[0]?.message}`);
    return document.toJS();
  });
}

// biome-ignore lint/suspicious/noExplicitAny: the tests look into it
export type Tree = any;

/** Paths of the YAML files below ops/kubernetes. */
export const KUBERNETES_FILES = readdirSync(join(PACKAGE_ROOT, 'ops', 'kubernetes'), { recursive: true })
  .map((path) => join('ops', 'kubernetes', String(path)))
  .filter((path) => path.endsWith('.yaml'))
  .sort();
export const KUSTOMIZATIONS = KUBERNETES_FILES.filter((path) => path.endsWith('kustomization.yaml'));

/** Whole objects: patches are parts. */
export const objects: Tree[] = KUBERNETES_FILES.filter(
  (path) => !path.endsWith('kustomization.yaml') && !path.includes('/patches/'),
).flatMap(readYaml);
export const ofKind = (kind: string) => objects.filter((one) => one.kind === kind);

/** The pods of the deployments and of the migration. */
export const pods: Tree[] = [...ofKind('Deployment'), ...ofKind('Job')].map(({ spec }) => spec.template);

export const containers: Tree[] = pods.flatMap(({ spec }) => spec.containers);
export const container = (name: string): Tree => containers.find((one) => one.name === name);

/** Returns the files that a kustomization names, as paths in the repository; for a folder, the kustomization in it. */
export function namedBy(path: string): string[] {
  const [{ resources = [], components = [], patches = [], configMapGenerator = [] }] = readYaml(path) as [Tree];
  const names = [
    ...resources,
    ...components,
    ...patches.map((patch: Tree) => patch.path),
    ...configMapGenerator.flatMap(({ envs }: Tree) => envs),
  ];
  const resolved = names.map((name) => relative('.', join(dirname(path), name)));
  return resolved.map((name) => (/\.\w+$/.test(name) ? name : join(name, 'kustomization.yaml')));
}

/** Which an overlay may name. */
export const COMPONENTS = ['releases', 'worker-autoscaler'];
export const OVERLAYS = ['minimal', 'production'] as const;
export const overlaySettings = (overlay: string): Record<string, string> =>
  parseEnv(readText(`ops/kubernetes/overlays/${overlay}/settings.env`)) as Record<string, string>;

export const compose = readYaml('ops/compose.yml')[0] as { services: Record<string, Tree>; volumes: Tree };
/** The services of the compose file that run our image. */
export const ourServices = ['migrate', 'api', 'worker'].map((name) => compose.services[name]);

/** The names that a text takes from the environment in compose's way. */
export const interpolated = (text: string) => [...text.matchAll(/\$\{([A-Z0-9_]+)/g)].map(([, name = '']) => name);

/** The settings that an operator has to give, most of them secrets. */
export const GIVEN = {
  DATABASE_URL: 'postgresql://countersign:given@db.example.com:5432/countersign',
  SMTP_URL: 'smtps://user:given@smtp.example.com:465',
  ADMIN_PASSWORD: 'given-to-the-test-alone',
  SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
  BACKUP_PASSPHRASE: 'given to the test alone',
};
