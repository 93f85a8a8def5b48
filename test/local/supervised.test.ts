import { spawn } from 'node:child_process';
import { exitOf, type Server, stopChild } from '../../ops/local/server';
import { Supervised } from '../../ops/local/supervised';
import { until } from '../support/until';

/** Starts that fail can be asked for by their number. */
function aServer(failing: number[] = []) {
  const pids: number[] = [];
  let starts = 0;
  const start = async (): Promise<Server> => {
    starts++;
    if (failing.includes(starts)) throw new Error('could not be started');
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const exited = exitOf(child);
    const pid = child.pid as number;
    pids.push(pid);
    const stop = () => stopChild(child, exited, 'SIGTERM', 5_000);
    return { name: 'a server', url: '', pid, exited, stop, lastLines: () => '' };
  };
  return { start, pids };
}

test('a server that dies is started again, also after starts that fail', async () => {
  const { start, pids } = aServer([2]);
  const told: string[] = [];
  const supervised = await Supervised.run(start, (name, problem) => told.push(`${name} ${problem}`));
  process.kill(pids[0] as number, 'SIGKILL');
  await until('it runs again', () => pids.length === 2);
  expect(told).toEqual(['a server ended', 'a server could not be started']);
  await supervised.stop();
});

test('a server that is stopped stays stopped', async () => {
  const { start, pids } = aServer();
  const told: string[] = [];
  const supervised = await Supervised.run(start, (name) => told.push(name));
  await supervised.stop();
  expect(() => process.kill(pids[0] as number, 0)).toThrow('ESRCH');
  expect(told).toEqual([]);
  expect(pids).toHaveLength(1);
});
