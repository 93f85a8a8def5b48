// Plays one pod: runs its container as a process, starts it again when it dies, and asks its readiness probe.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Container, Pod } from '../../../ops/releases/kubernetes/objects';
import { noteEnd, noteStart } from '../leftovers.cjs';
import { testServers } from '../servers';
import type { ClusterApi } from './cluster-api';
import { containerEnvironment } from './container-environment';

const MESSAGE_FILE = '/dev/termination-log';
/** As the kubelet cuts it. */
const MOST_MESSAGE = 4096;

export type NamespacedPod = Pod & { metadata: { uid: string; namespace: string } };

export const pathOf = ({ metadata }: NamespacedPod) => `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;

export class PlayedPod {
  private readonly container: Container;
  private child: ChildProcess | null = null;
  private restarts = -1;
  private triedPull = false;
  private exit: { code: number; message: string } | null = null;
  private isEnding = false;
  private told = '';

  constructor(
    private readonly pod: NamespacedPod,
    private readonly api: ClusterApi,
    private readonly images: Map<string, string>,
    private readonly folder: string,
    private readonly address: string,
  ) {
    this.container = pod.spec.containers[0];
  }

  get hasEnded(): boolean {
    return this.child === null;
  }

  /** Does what is due. @returns a status that the cluster does not know yet, or null */
  async look(): Promise<unknown> {
    const state = await this.advance();
    const isReady = state.running !== undefined && (await this.isReady());
    const phase = this.phaseOf(state);
    const containerStatus = {
      name: this.container.name,
      image: this.container.image,
      imageID: '',
      ready: isReady,
      restartCount: Math.max(this.restarts, 0),
      state,
    };
    const ready = isReady ? 'True' : 'False';
    const status = {
      phase,
      podIP: this.address,
      podIPs: [{ ip: this.address }],
      conditions: ['Ready', 'ContainersReady'].map((type) => ({ type, status: ready })),
      containerStatuses: [containerStatus],
    };
    const text = JSON.stringify(status);
    if (text === this.told) return null;
    this.told = text;
    return status;
  }

  /** Asks the process to end, and kills it after the grace period. Does not wait. */
  end(graceSeconds: number): void {
    const { child } = this;
    if (!child || this.isEnding) return;
    this.isEnding = true;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), graceSeconds * 1_000).unref();
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (!child) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  }

  private async advance(): Promise<{ running?: unknown; waiting?: unknown; terminated?: unknown }> {
    if (this.child) return { running: {} };
    if (this.exit && this.pod.spec.restartPolicy === 'Never') {
      const { code, message } = this.exit;
      return { terminated: { exitCode: code, message, reason: code === 0 ? 'Completed' : 'Error' } };
    }
    const folder = this.images.get(this.container.image);
    if (folder === undefined) {
      const reason = this.triedPull ? 'ImagePullBackOff' : 'ErrImagePull';
      this.triedPull = true;
      return { waiting: { reason, message: `${this.container.image}: not found` } };
    }
    const environment = await containerEnvironment(this.api, this.pod.metadata.namespace, this.container);
    if (!environment) return { waiting: { reason: 'CreateContainerConfigError', message: 'not found' } };
    this.start(folder, environment);
    return { running: {} };
  }

  private phaseOf({ running, terminated }: { running?: unknown; terminated?: unknown }): string {
    if (terminated) return this.exit?.code === 0 ? 'Succeeded' : 'Failed';
    return running || this.restarts > 0 ? 'Running' : 'Pending';
  }

  private start(folder: string, environment: Record<string, string>): void {
    const { metadata } = this.pod;
    const messageFile = join(this.folder, `${metadata.uid}.message`);
    rmSync(messageFile, { force: true });
    const [program = '', ...args] = (this.container.command ?? []).map((word) =>
      word.replace(MESSAGE_FILE, messageFile),
    );
    const log = openSync(join(this.folder, `${metadata.namespace}.${metadata.name}.log`), 'a');
    const path = `${dirname(process.execPath)}:/usr/bin:/bin`;
    const child = spawn(program, args, {
      cwd: folder,
      // What the image gives, but with an address of the pod's own.
      env: { PATH: path, NODE_ENV: 'production', HOST: this.address, METRICS_HOST: this.address, ...environment },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.restarts += 1;
    this.child = child;
    const run = testServers().folder;
    if (child.pid !== undefined) noteStart(run, child.pid);
    child.once('close', (code) => {
      if (child.pid !== undefined) noteEnd(run, child.pid);
      const message = existsSync(messageFile) ? readFileSync(messageFile, 'utf8').slice(-MOST_MESSAGE) : '';
      this.exit = { code: code ?? 137, message };
      this.child = null;
    });
  }

  private async isReady(): Promise<boolean> {
    const { readinessProbe } = this.container as { readinessProbe?: { httpGet: { path: string; port: number } } };
    if (!readinessProbe) return true;
    const { path, port } = readinessProbe.httpGet;
    const signal = AbortSignal.timeout(2_000);
    return fetch(`http://${this.address}:${port}${path}`, { signal }).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}
