// Plays a node: each container is a process on an address of loopback, and its image is a folder. No container runtime is
// needed; what the pods tell the cluster is what a kubelet tells.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Pod } from '../../../ops/releases/kubernetes/objects';
import { newFolder } from '../environment';
import type { ClusterApi } from './cluster-api';
import { PlayedPod, pathOf } from './played-pod';

const execute = promisify(execFile);
const NODE = 'played-node';
const LOOKS_EACH_MS = 200;

type NodePod = Pod & {
  metadata: { uid: string; namespace: string; deletionTimestamp?: string; deletionGracePeriodSeconds?: number };
  spec: { nodeName?: string };
};

export class PlayedNode {
  private readonly pods = new Map<string, PlayedPod>();
  private readonly stopping = new AbortController();
  private work: Promise<void> = Promise.resolve();
  private addresses = 1;

  private constructor(
    private readonly api: ClusterApi,
    /** By image. A pod with another one waits for it. */
    readonly images: Map<string, string>,
    private readonly folder: string,
    private readonly logs: Server,
  ) {}

  static async start(api: ClusterApi, images: Map<string, string>): Promise<PlayedNode> {
    const folder = newFolder('node');
    const logs = await startLogServer(folder);
    const node = new PlayedNode(api, images, folder, logs);
    await api.ask('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } });
    const { port } = logs.address() as AddressInfo;
    await api.ask('PATCH', `/api/v1/nodes/${NODE}/status`, {
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
      },
    });
    node.work = node.loop();
    return node;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.work;
    await Promise.all([...this.pods.values()].map((pod) => pod.kill()));
    this.logs.closeAllConnections();
    await new Promise((resolve) => this.logs.close(resolve));
  }

  private async loop(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const { items } = await this.api.ask<{ items: NodePod[] }>('GET', '/api/v1/pods');
      await Promise.all(items.map((pod) => this.look(pod)));
      const there = new Set(items.map(({ metadata }) => metadata.uid));
      for (const [uid, pod] of this.pods) if (!there.has(uid)) await this.forget(uid, pod);
      await delay(LOOKS_EACH_MS);
    }
  }

  private async look(pod: NodePod): Promise<void> {
    const { uid, deletionTimestamp, deletionGracePeriodSeconds: grace = 0 } = pod.metadata;
    if (!pod.spec.nodeName) {
      const target = { apiVersion: 'v1', kind: 'Node', name: NODE };
      await this.change('POST', `${pathOf(pod)}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: pod.metadata.name },
        target,
      });
      return;
    }
    const known = this.pods.get(uid);
    if (deletionTimestamp) {
      known?.end(grace);
      if (known?.hasEnded ?? true) {
        await this.change('DELETE', pathOf(pod), { gracePeriodSeconds: 0, preconditions: { uid } });
      }
      return;
    }
    const played = known ?? new PlayedPod(pod, this.api, this.images, this.folder, this.nextAddress());
    this.pods.set(uid, played);
    const status = await played.look();
    if (status) await this.change('PATCH', `${pathOf(pod)}/status`, { status });
  }

  /** The object may be gone, or another may have changed it meanwhile: the next look sees. */
  private async change(method: string, path: string, body: unknown): Promise<void> {
    await this.api.ask(method, path, body).catch(() => {});
  }

  private async forget(uid: string, pod: PlayedPod): Promise<void> {
    await pod.kill();
    this.pods.delete(uid);
  }

  private nextAddress(): string {
    this.addresses += 1;
    return `127.7.${Math.floor(this.addresses / 250)}.${(this.addresses % 250) + 1}`;
  }
}

/** Serves what containers have printed, as a kubelet does: /containerLogs/<namespace>/<pod>/<container>. */
async function startLogServer(folder: string): Promise<Server> {
  const [cert, key] = [join(folder, 'node.pem'), join(folder, 'node.key')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await execute('openssl', ['req', ...kind, '-subj', '/CN=node', '-keyout', key, '-out', cert]);
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, answer) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://node');
    const [, , namespace, pod] = pathname.split('/');
    const file = join(folder, `${namespace}.${pod}.log`);
    if (!existsSync(file)) {
      answer.writeHead(404).end();
      return;
    }
    answer.end(readFileSync(file).subarray(0, Number(searchParams.get('limitBytes')) || undefined));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
