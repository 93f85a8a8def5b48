// A real control plane of Kubernetes on loopback: its database, its API with the rights of RBAC, and its controllers.
import { execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../../ops/local/ports';
import { newFolder } from '../environment';
import { noteEnd, noteStart } from '../leftovers.cjs';
import { testServers } from '../servers';
import { until } from '../until';
import { type ClusterApi, createClusterApi } from './cluster-api';
import { findKubernetes } from './programs';

const execute = promisify(execFile);
const ADMIN = 'admin-of-the-tests';
const CONTROLLERS = [
  'deployment',
  'replicaset',
  'job',
  'ttl-after-finished',
  'garbage-collector',
  'namespace',
  'serviceaccount',
];

export interface Cluster {
  api: ClusterApi;
  /** Runs kubectl as a user who may do everything. */
  kubectl(args: string[], input?: string): Promise<string>;
  /** Writes a program that is kubectl, with the rights of a service account. @returns its path */
  kubectlOf(namespace: string, account: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startCluster(): Promise<Cluster> {
  const programs = await findKubernetes();
  const folder = newFolder('kubernetes');
  const stops: (() => Promise<void>)[] = [];
  const start = (name: string, program: string, options: Record<string, string>) => {
    stops.unshift(startServer(join(folder, `${name}.log`), program, options));
  };
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const store = `http://127.0.0.1:${client}`;
  start('etcd', programs.etcd, {
    'data-dir': join(folder, 'etcd'),
    'listen-client-urls': store,
    'advertise-client-urls': store,
    'listen-peer-urls': `http://127.0.0.1:${peer}`,
    'unsafe-no-fsync': 'true',
  });
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const write = (name: string, text: string | Buffer) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  start('api', programs.apiServer, {
    'etcd-servers': store,
    'secure-port': String(port),
    'bind-address': '127.0.0.1',
    'endpoint-reconciler-type': 'none',
    'service-cluster-ip-range': '10.96.0.0/24',
    'cert-dir': folder,
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-signing-key-file': write('accounts.key', privateKey.export({ type: 'pkcs8', format: 'pem' })),
    'service-account-key-file': write('accounts.pub', publicKey.export({ type: 'spki', format: 'pem' })),
    'authorization-mode': 'RBAC',
    'token-auth-file': write('tokens.csv', `${ADMIN},admin,1,system:masters\n`),
    'kubelet-preferred-address-types': 'InternalIP',
  });
  const authority = join(folder, 'apiserver.crt');
  await until('the API of Kubernetes has a certificate', () => existsSync(authority));
  const server = `https://127.0.0.1:${port}`;
  const api = createClusterApi({ server, authority: readFileSync(authority), token: ADMIN });
  await until(
    'the API of Kubernetes is ready',
    async () => (await api.ask('GET', '/readyz').catch(() => null)) !== null,
  );
  const kubeconfig = (token: string, namespace: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'tests',
      clusters: [{ name: 'tests', cluster: { server, 'certificate-authority': authority } }],
      users: [{ name: 'tests', user: { token } }],
      contexts: [{ name: 'tests', context: { cluster: 'tests', user: 'tests', namespace } }],
    });
  const admin = write('admin.json', kubeconfig(ADMIN, 'default'));
  start('controllers', programs.controllerManager, {
    kubeconfig: admin,
    'leader-elect': 'false',
    'secure-port': '0',
    controllers: CONTROLLERS.map((name) => `${name}-controller`).join(','),
  });
  const kubectl = async (args: string[], input?: string) => {
    const work = execute(programs.kubectl, [`--kubeconfig=${admin}`, ...args], { maxBuffer: 2 ** 26 });
    work.child.stdin?.end(input ?? '');
    return (await work).stdout;
  };
  return {
    api,
    kubectl,
    async kubectlOf(namespace, account) {
      const token = await kubectl(['create', 'token', account, `--namespace=${namespace}`, '--duration=2h']);
      const config = write(`${account}.json`, kubeconfig(token.trim(), namespace));
      const program = write(
        `kubectl-${account}`,
        `#!/bin/sh\nexec '${programs.kubectl}' --kubeconfig='${config}' "$@"\n`,
      );
      await execute('chmod', ['700', program]);
      return program;
    },
    async stop() {
      for (const stop of stops) await stop();
      api.close();
    },
  };
}

function startServer(log: string, program: string, options: Record<string, string>): () => Promise<void> {
  const output = createWriteStream(log);
  const words = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const server = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  server.stdout.pipe(output, { end: false });
  server.stderr.pipe(output, { end: false });
  const { folder } = testServers();
  if (server.pid !== undefined) noteStart(folder, server.pid);
  const ended = once(server, 'close');
  return async () => {
    server.kill('SIGKILL');
    await ended;
    output.end();
    if (server.pid !== undefined) noteEnd(folder, server.pid);
  };
}
