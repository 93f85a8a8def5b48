// Installs Countersign in the cluster of the tests: the minimal overlay with releases, and this build as its image.
import { appendFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDatabase } from '../../../ops/local/database';
import { createKubernetesDriver } from '../../../ops/releases/kubernetes/driver';
import { createKubectl } from '../../../ops/releases/kubernetes/kubectl';
import { PACKAGE_ROOT, VERSION } from '../../../ops/runtime/package-root';
import { newFolder, testEnvironment } from '../environment';
import { testServers } from '../servers';
import { createTestNamespace, type TestNamespace } from '../temporal';
import { type Cluster, startCluster } from './cluster';
import { PlayedNode } from './played-node';

const NAMESPACE = 'countersign';
const REPOSITORY = 'registry.example.com/countersign';
/** The pods have addresses of their own, and the ports of the manifests. */
const NOT_GIVEN = ['PORT', 'METRICS_PORT', 'WORKER_PORT', 'WORKER_METRICS_PORT'];

export interface Installation {
  cluster: Cluster;
  temporal: TestNamespace;
  /** Has the rights of the host, and no other. */
  openDriver(): ReturnType<typeof createKubernetesDriver>;
  addImage(version: string, folder: string): void;
  /** Applies the minimal overlay, as an operator does after a change of the settings. */
  apply(changes?: Changes): Promise<void>;
  /** Asks the cluster whether it would take an overlay. Throws if not. */
  tryOverlay(overlay: string, components: readonly string[]): Promise<void>;
  kubectl(...args: string[]): Promise<string>;
  list<T = Listed>(kind: string, selector?: string): Promise<T[]>;
  stop(): Promise<void>;
}

interface Changes {
  /** Whether releases are managed. */
  component?: boolean;
  /** A further line. */
  settings?: string;
}

export interface Listed {
  metadata: { name: string; generation: number };
}

/** @param database its name, which no other test uses */
export async function install(database: string): Promise<Installation> {
  const temporal = await createTestNamespace();
  const environment = await testEnvironment({
    DATABASE_URL: await ensureDatabase(testServers().postgres, database),
    TEMPORAL_NAMESPACE: temporal.namespace,
    SMTP_URL: 'smtp://127.0.0.1:9',
  });
  const cluster = await startCluster();
  const images = new Map([[`${REPOSITORY}:${VERSION}`, PACKAGE_ROOT]]);
  const node = await PlayedNode.start(cluster.api, images);
  const kubectl = (...args: string[]) => cluster.kubectl([`--namespace=${NAMESPACE}`, ...args]);
  const enforced = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const create = (object: unknown) => cluster.kubectl(['create', '--filename=-'], JSON.stringify(object));
  await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels: enforced } });
  const given = Object.entries(environment).filter(([name]) => !NOT_GIVEN.includes(name));
  await create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'countersign-secrets', namespace: NAMESPACE },
    stringData: Object.fromEntries(given),
  });
  const apply = async ({ component = true, settings = '' }: Changes = {}) => {
    await kubectl('apply', '--kustomize', writeOverlay('minimal', component ? ['releases'] : [], settings));
  };
  await apply();
  const program = await cluster.kubectlOf(NAMESPACE, 'countersign-releases');
  return {
    cluster,
    temporal,
    openDriver: () => createKubernetesDriver(createKubectl(program)),
    addImage: (version, folder) => void images.set(`${REPOSITORY}:${version.replaceAll('+', '_')}`, folder),
    apply,
    async tryOverlay(overlay, components) {
      await cluster.kubectl(['apply', '--dry-run=server', '--kustomize', writeOverlay(overlay, components)]);
    },
    kubectl,
    async list<T = Listed>(kind: string, selector = '') {
      const text = await kubectl('get', kind, `--selector=${selector}`, '--output=json');
      return (JSON.parse(text) as { items: T[] }).items;
    },
    async stop() {
      await node.stop();
      await cluster.stop();
      await temporal.close();
    },
  };
}

/** @returns the folder of a copy of the overlay, with these components and a further setting */
function writeOverlay(overlay: string, components: readonly string[], settings = ''): string {
  const folder = newFolder('manifests');
  cpSync(join(PACKAGE_ROOT, 'ops', 'kubernetes'), folder, { recursive: true });
  const target = join(folder, 'overlays', overlay);
  const paths = components.map((name) => `../../components/${name}`);
  appendFileSync(join(target, 'kustomization.yaml'), `components: ${JSON.stringify(paths)}\n`);
  appendFileSync(join(target, 'settings.env'), `${settings}\n`);
  return target;
}
