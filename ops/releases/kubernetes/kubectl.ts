// Asks and changes a cluster by `kubectl`. It finds the cluster and the namespace as it always does: by the service account
// of its pod, or by the context of a kubeconfig.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterObject, ObjectList } from './objects';

export interface Kubectl {
  /** Returns null if there is no such object. */
  get<T extends ClusterObject>(kind: string, name: string): Promise<T | null>;
  list<T extends ClusterObject>(kind: string, selector: string): Promise<T[]>;
  /** Creates or changes the object. A field that the same manager gave before and leaves out now is removed. */
  apply(object: ClusterObject, manager?: string): Promise<void>;
  /** Returns the object as the cluster has it. Throws if there is one already. */
  create<T extends ClusterObject>(object: T): Promise<T>;
  /** Returns at once; what belongs to the object ends after it. No such object is no error. */
  remove(kind: string, name: string): Promise<void>;
  logs(pod: string): Promise<string>;
}

export class KubectlFailed extends Error {
  override name = 'KubectlFailed';
}

const MANAGER = 'countersign-releases';
const REQUEST_TIMEOUT = '30s';
/** Longer than all requests of one call. */
const CALL_TIMEOUT_MS = 180_000;
const MOST_LOGS = 4_000_000;
const END_OF_ERRORS = 2_000;
/** Of what it knows about the cluster: the home of the pod can't be written to. */
const CACHE = join(tmpdir(), 'countersign-kubectl');

/** @param program its name on the PATH, or its path */
export function createKubectl(program = 'kubectl'): Kubectl {
  const call = (args: string[], input?: ClusterObject) =>
    execute(program, [...args, `--request-timeout=${REQUEST_TIMEOUT}`, `--cache-dir=${CACHE}`], input);
  return {
    async get(kind, name) {
      const text = await call(['get', kind, name, '--output=json', '--ignore-not-found']);
      return text.trim() === '' ? null : JSON.parse(text);
    },
    async list<T extends ClusterObject>(kind: string, selector: string) {
      const text = await call(['get', kind, `--selector=${selector}`, '--output=json']);
      return (JSON.parse(text) as ObjectList<T>).items;
    },
    async apply(object, manager = MANAGER) {
      const options = ['--server-side', '--force-conflicts', `--field-manager=${manager}`];
      await call(['apply', ...options, '--filename=-'], object);
    },
    create: async (object) => JSON.parse(await call(['create', '--output=json', '--filename=-'], object)),
    async remove(kind, name) {
      await call(['delete', kind, name, '--ignore-not-found', '--wait=false', '--cascade=background']);
    },
    logs: (pod) => call(['logs', pod, `--limit-bytes=${MOST_LOGS}`]),
  };
}

/** Throws KubectlFailed with the end of what it printed. */
async function execute(program: string, args: string[], input?: ClusterObject): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: CALL_TIMEOUT_MS });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-END_OF_ERRORS);
  });
  // It may end without reading.
  child.stdin.on('error', () => {});
  child.stdin.end(input ? JSON.stringify(input) : '');
  const [code] = (await once(child, 'close').catch((cause) => {
    throw new KubectlFailed(`${program} could not be started: use the image that holds it (docs/deployment.md)`, {
      cause,
    });
  })) as [number | null];
  if (code !== 0) throw new KubectlFailed(`kubectl ${args.slice(0, 3).join(' ')} ended with ${code}: ${stderr.trim()}`);
  return stdout;
}
