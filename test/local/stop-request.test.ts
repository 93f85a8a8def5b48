// What a second signal leaves of the supervisor, of its servers and of what those have started: nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { isAlive } from '../../ops/local/process-identity';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { until } from '../support/until';

const SLEEPS = 'setInterval(() => {}, 1000)';
/** Leads its group, has a server, which has started a program of its own; then kills all. Newer Nodes colour numbers, not texts. */
const SUPERVISOR = `
  const { spawn } = require('node:child_process');
  const { killAll } = require(${JSON.stringify(join(PACKAGE_ROOT, 'dist', 'ops', 'local', 'stop-request.js'))});
  const server = spawn(process.execPath, ['-e', \`
    const { spawn } = require('node:child_process');
    console.log(String(spawn(process.execPath, ['-e', '${SLEEPS}'], { stdio: 'ignore' }).pid));
    ${SLEEPS};
  \`]);
  server.stdout.on('data', (pid) => console.log(String(server.pid), String(pid)));
  process.stdin.on('data', () => killAll([server.pid]));
`;

test('asked twice, it leaves neither a server nor what a server has started', async () => {
  const supervisor = spawn(process.execPath, ['-e', SUPERVISOR], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [said] = await once(supervisor.stdout, 'data');
  const pids = [supervisor.pid as number, ...String(said).trim().split(/\s+/).map(Number)];
  try {
    expect(pids.map((pid) => isAlive(pid))).toEqual([true, true, true]);
    supervisor.stdin.write('now');
    await until('all have ended', () => !pids.some((pid) => isAlive(pid)), 20_000);
  } finally {
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
});
