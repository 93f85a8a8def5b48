// Each command of docs/DR_RUNBOOK.md: as it stands there, and, in long runs, carried out on an installation of its own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../ops/local/ports';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { noteEnd, noteStart } from '../support/leftovers.cjs';
import { isLongRun, testServers } from '../support/servers';
import { until } from '../support/until';
import { ownFolder } from './folder';

const runbook = readFileSync(join(PACKAGE_ROOT, 'docs', 'DR_RUNBOOK.md'), 'utf8');
const blocks = [...runbook.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, text = '']) => text.trim().split('\n'));
const commands = [...new Set(blocks.filter((line) => /^(ops\/|node dist\/ops\/)/.test(line)))];
const WRONG_USAGE = 2;
const { PATH, HOME } = process.env;

it('has the commands of every scenario', () => {
  expect(commands.length).toBeGreaterThan(8);
});

/** Nobody answers there, so it comes as far as its connection and no further. */
it.each(commands)('%s is called as it says', (command) => {
  const env = {
    PATH,
    HOME,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    BACKUP_URL: `file://${ownFolder()}`,
    SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
    DATABASE_URL: 'postgresql://127.0.0.1:1/nothing',
  };
  const { status, stderr } = spawnSync('sh', ['-c', command], { cwd: PACKAGE_ROOT, env, encoding: 'utf8' });
  expect({ status, stderr }).not.toMatchObject({ status: WRONG_USAGE });
  expect(stderr).not.toMatch(/not found|Cannot find|unexpected/);
});

if (isLongRun) describe('on an installation', onAnInstallation);

function onAnInstallation(): void {
  const clone = join(ownFolder(), 'clone');
  let running: ChildProcess | null = null;
  let env: NodeJS.ProcessEnv;
  let said = '';

  const copy = () => {
    for (const name of readdirSync(PACKAGE_ROOT)) {
      if (['.git', '.countersign', 'node_modules', 'test', 'docs'].includes(name)) continue;
      cpSync(join(PACKAGE_ROOT, name), join(clone, name), { recursive: true });
    }
    symlinkSync(join(PACKAGE_ROOT, 'node_modules'), join(clone, 'node_modules'));
  };
  async function start(): Promise<void> {
    const child = spawn(process.execPath, ['ops/start.mjs'], { cwd: clone, env, stdio: ['ignore', 'pipe', 'inherit'] });
    said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    noteStart(testServers().folder, child.pid as number);
    running = child;
    await until('it is ready', () => said.includes('npm run demo') || null);
  }
  async function stop(): Promise<void> {
    if (!running) return;
    running.kill('SIGTERM');
    await once(running, 'exit');
    noteEnd(testServers().folder, running.pid as number);
    running = null;
  }
  const run = (command: string, input = '') => {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: clone, env, input, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ended with ${status}:\n${stdout}\n${stderr}`);
    return stdout;
  };
  const demo = () => run('node ops/demo.mjs');

  beforeAll(async () => {
    copy();
    env = { PATH, HOME, PORT: String(await freePort()), MAIL_FROM: 'outbox@countersign.example' };
    await start();
  });
  afterAll(stop, 60_000);

  it('goes back to a moment, tells what was lost, brings it back, and undoes it', async () => {
    demo();
    run('ops/backup.sh');
    const moment = new Date().toISOString();
    await until('it has passed', () => Date.now() > Date.parse(moment) + 1_000 || null);
    demo();
    run(`ops/restore.sh --pitr "${moment}" --dry-run`);
    run(`ops/restore.sh --pitr "${moment}"`, 'yes\n');
    expect(JSON.parse(run('ops/restore.sh --lost --json'))).toMatchObject({ complete: true, sent: 1 });
    run('ops/restore.sh --reconcile');
    demo();
    run('ops/restore.sh --undo');
    run('ops/restore.sh --lost');
    run('ops/restore.sh --accept-loss');
    demo();
    run('ops/backup.sh --type full');
    expect(run('ops/backup.sh --list').trim().split('\n')).toHaveLength(3);
    expect(run('ops/restore.sh --drill')).toMatch(/^PROVEN/);
  });

  it('holds mail where the folder of PostgreSQL was put back by hand, and goes on once it is adopted', async () => {
    const folder = join(clone, '.countersign', 'postgres');
    await stop();
    spawnSync('cp', ['-Rp', folder, `${folder}.kept`]);
    await start();
    demo();
    await stop();
    rmSync(folder, { recursive: true });
    spawnSync('mv', [`${folder}.kept`, folder]);
    await start();
    await until('the terminal says so', () => said.includes('Attention: mail is held since') || null);
    run('ops/restore.sh --adopt', 'yes\n');
    run('ops/restore.sh --lost');
    demo();
  });

  it('comes back on an empty machine with the place of the backups and the two secrets alone', async () => {
    const kept = JSON.parse(readFileSync(join(clone, '.countersign', 'settings.json'), 'utf8'));
    await stop();
    const place = join(ownFolder(), 'bucket');
    cpSync(join(clone, '.countersign', 'backups'), place, { recursive: true });
    rmSync(join(clone, '.countersign'), { recursive: true });
    const { SECRET_KEY, BACKUP_PASSPHRASE } = kept;
    Object.assign(env, { SECRET_KEY, BACKUP_PASSPHRASE, BACKUP_URL: `file://${place}` });
    run('ops/restore.sh --from-s3 latest --yes');
    expect(existsSync(join(clone, '.countersign', 'postgres', 'current'))).toBe(true);
    await start();
    run('ops/restore.sh --reconcile');
    demo();
  });
}
