// Builds the image without Docker: with buildah, on a base of Debian's packages. Starts containers of it as Kubernetes would.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { newFolder } from '../support/environment';
import type { Environment } from '../support/processes';
import { Container } from './container';

const run = promisify(execFile);
const BASE = 'localhost/countersign-base:test';
const IMAGE = 'localhost/countersign:test';

interface ImageConfig {
  User: string;
  Env: string[];
  Cmd: string[];
  WorkingDir: string;
  Healthcheck: { Test: string[] };
}

export class Image {
  private constructor(
    readonly config: ImageConfig,
    /** Its files. */
    readonly root: string,
  ) {}

  static async build(): Promise<Image> {
    const store = newFolder('images');
    const buildah = async (...args: string[]) => {
      const place = ['--root', join(store, 'root'), '--runroot', join(store, 'run'), '--storage-driver', 'vfs'];
      const { stdout } = await run('buildah', [...place, ...args], { cwd: PACKAGE_ROOT, maxBuffer: 2 ** 26 });
      return stdout.trim();
    };
    const npmrc = join(store, 'npmrc');
    writeFileSync(npmrc, npmSettings());
    await makeBase(buildah, join(store, 'base.tar'));
    const options = ['--isolation', 'chroot', '--format', 'docker', '--build-arg', `BASE=${BASE}`];
    await buildah(
      'build',
      '--quiet',
      ...options,
      ...readOnly(npmrc, '/usr/local/etc/npmrc'),
      ...readOnly('/etc/ssl/certs'),
      '--tag',
      IMAGE,
      '.',
    );
    const { Docker } = JSON.parse(await buildah('inspect', '--type', 'image', IMAGE));
    const container = await buildah('from', '--pull-never', IMAGE);
    return new Image(Docker.config, await buildah('mount', container));
  }

  /** @param writable the only folder that it may write to, beside an own /tmp */
  start(name: string, command: string[], environment: Environment, writable: string): Container {
    const bundle = newFolder(`container-${name}`);
    execFileSync('runc', ['spec'], { cwd: bundle });
    const file = join(bundle, 'config.json');
    const spec = JSON.parse(readFileSync(file, 'utf8'));
    const [uid, gid] = this.config.User.split(':').map(Number);
    spec.process = {
      ...spec.process,
      terminal: false,
      user: { uid, gid },
      cwd: this.config.WorkingDir,
      args: command,
      env: [...this.config.Env, ...Object.entries(environment).map(([key, value]) => `${key}=${value}`)],
      capabilities: {},
      noNewPrivileges: true,
    };
    spec.root = { path: this.root, readonly: true };
    // The servers of the tests listen on loopback.
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }: { type: string }) => type !== 'network');
    spec.mounts.push(
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] },
      { destination: writable, type: 'bind', source: writable, options: ['bind', 'rw'] },
    );
    writeFileSync(file, JSON.stringify(spec));
    // runc makes the place to mount to, which the image would then have.
    mkdirSync(join(this.root, writable), { recursive: true });
    return new Container(`countersign-${name}-${process.pid}`, bundle);
  }
}

/** Debian, with the Node that runs the tests: no registry of images is needed. */
async function makeBase(buildah: (...args: string[]) => Promise<string>, tar: string): Promise<void> {
  const packages = '--include=ca-certificates,libstdc++6';
  await run('mmdebstrap', ['--quiet', '--variant=essential', packages, 'bookworm', tar], { maxBuffer: 2 ** 26 });
  const container = await buildah('from', 'scratch');
  await buildah('add', '--quiet', container, tar, '/');
  await buildah('copy', '--quiet', container, process.execPath, '/usr/local/bin/node');
  await buildah('copy', '--quiet', container, join(npm('root', '--global'), 'npm'), '/usr/local/lib/node_modules/npm');
  const link = 'ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm';
  await buildah('run', '--isolation', 'chroot', container, '--', 'sh', '-c', link);
  await buildah('commit', '--quiet', '--rm', container, BASE);
}

const npm = (...args: string[]) => execFileSync('npm', args, { encoding: 'utf8' }).trim();

/** With them npm finds its registry in the build as it does here. They do not become part of the image. */
function npmSettings(): string {
  const files = ['globalconfig', 'userconfig'].map((name) => npm('config', 'get', name));
  return files
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
}

const readOnly = (from: string, to = from) => (existsSync(from) ? ['--volume', `${from}:${to}:ro`] : []);

/** Folders that an image's user may write to. */
export function giveTo(user: string, ...folders: string[]): void {
  for (const folder of folders) execFileSync('chown', ['-R', user, folder]);
  // The way there.
  for (const folder of folders) execFileSync('chmod', ['a+x', dirname(folder)]);
}
