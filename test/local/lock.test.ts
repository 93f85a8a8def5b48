import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { takeLock } from '../../ops/local/lock';
import { processIdentity } from '../../ops/local/process-identity';
import { ownFolder } from './folder';

const lockFile = () => join(ownFolder(), 'lock');

test('a second taker is told who holds the lock', () => {
  const file = lockFile();
  expect(takeLock(file)).toHaveProperty('release');
  expect(takeLock(file)).toEqual({ heldBy: process.pid });
});

test('a released lock is free again and leaves no file', () => {
  const file = lockFile();
  const lock = takeLock(file);
  if ('release' in lock) lock.release();
  expect(existsSync(file)).toBe(false);
  expect(takeLock(file)).toHaveProperty('release');
});

test('the lock of a process that was killed is taken over', async () => {
  const file = lockFile();
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const pid = child.pid as number;
  writeFileSync(file, JSON.stringify({ pid, identity: processIdentity(pid) }));
  expect(takeLock(file)).toEqual({ heldBy: pid });
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(takeLock(file)).toHaveProperty('release');
});

test('a process that has got the number of the holder does not hold the lock', () => {
  const file = lockFile();
  writeFileSync(file, JSON.stringify({ pid: process.pid, identity: 'another one' }));
  expect(takeLock(file)).toHaveProperty('release');
});

test('a lock file that is not whole is taken over, and nothing lies beside it', () => {
  const file = lockFile();
  writeFileSync(file, '{"pid":');
  expect(takeLock(file)).toHaveProperty('release');
  expect(readdirSync(join(file, '..'))).toEqual(['lock']);
});
