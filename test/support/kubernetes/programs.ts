// Builds the control plane of Kubernetes from its Go modules, once for this user: no registry serves its programs.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder, run } from '../../../ops/local/binaries/programs';

const MINOR = '36.3';
const MODULE = 'k8s.io/kubernetes';
const PACKAGES = [
  'go.etcd.io/etcd/server/v3',
  ...['kube-apiserver', 'kube-controller-manager', 'kubectl'].map((name) => `${MODULE}/cmd/${name}`),
];
const BUILDS_WITHIN_MS = 3_000_000;

export interface KubernetesPrograms {
  etcd: string;
  apiServer: string;
  controllerManager: string;
  /** A folder for the PATH. */
  kubectl: string;
}

/** Takes about a quarter of an hour on two cores the first time. Throws if Go is missing. */
export async function findKubernetes(): Promise<KubernetesPrograms> {
  const folder = join(cacheFolder(), `kubernetes-1.${MINOR}`);
  if (!existsSync(folder)) await build(folder);
  return {
    etcd: join(folder, 'server'),
    apiServer: join(folder, 'kube-apiserver'),
    controllerManager: join(folder, 'kube-controller-manager'),
    kubectl: join(folder, 'kubectl'),
  };
}

async function build(target: string): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const folder = mkdtempSync(`${target}.`);
  try {
    writeFileSync(join(folder, 'go.mod'), await moduleFile(folder));
    const version = 'k8s.io/component-base/version';
    const [minor] = MINOR.split('.');
    const names = { gitVersion: `v1.${MINOR}`, gitMajor: '1', gitMinor: minor };
    const named = Object.entries(names).map(([name, value]) => `-X ${version}.${name}=${value}`);
    const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod -trimpath -buildvcs=false' };
    const output = join(folder, 'programs');
    mkdirSync(output);
    const options = ['-o', output, '-ldflags', ['-s -w', ...named].join(' ')];
    await run('go', ['build', ...options, ...PACKAGES], { cwd: folder, env, timeout: BUILDS_WITHIN_MS });
    renameSync(output, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Its own module file replaces the libraries of Kubernetes by folders that the module does not hold: their versions go there. */
async function moduleFile(folder: string): Promise<string> {
  const downloaded = await run('go', ['mod', 'download', '-json', `${MODULE}@v1.${MINOR}`], { cwd: folder });
  const { GoMod } = JSON.parse(downloaded) as { GoMod: string };
  const libraries = [...readFileSync(GoMod, 'utf8').matchAll(/^\s*(k8s\.io\/\S+) => \.\/staging\//gm)].map(
    ([, name]) => `\t${name} => ${name} v0.${MINOR}`,
  );
  return [
    'module countersign.test/kubernetes',
    'go 1.26',
    `require ${MODULE} v1.${MINOR}`,
    'replace (',
    ...libraries,
    ')',
    '',
  ].join('\n');
}
