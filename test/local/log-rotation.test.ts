// The logs of `npm start` stay small while programs write into them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rotateInUse } from '../../ops/local/log-rotation';
import { openLog } from '../../ops/local/server';
import { newFolder } from '../support/environment';
import { until } from '../support/until';

it('empties a log that a program holds open, keeps what was in it beside, and the program goes on at its beginning', async () => {
  const folder = newFolder('logs');
  const log = join(folder, 'api.log');
  const output = openLog(log);
  const code = `let n = 0; setInterval(() => console.log('line ' + n++), 5)`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', output, output] });
  closeSync(output);
  for (let round = 0; round < 3; round++) {
    await until('it has written', () => statSync(log).size > 400);
    rotateInUse(folder, 400);
    expect(statSync(log).size).toBeLessThan(400);
    expect(readFileSync(`${log}.1`, 'utf8')).toMatch(/^line \d+\n(line \d+\n)+/);
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  // No hole of zeros where the program had been.
  expect(readFileSync(log, 'utf8')).not.toContain('\0');
});

it('begins a new log beside a large one at the next start, and leaves small ones and other files alone', () => {
  const folder = newFolder('logs');
  const [large, small, other] = ['large.log', 'small.log', 'settings.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(large, 'x'.repeat(10_000_001));
  for (const file of [small, other]) writeFileSync(file, 'x'.repeat(100));
  for (const log of [large, small]) closeSync(openLog(log));
  rotateInUse(folder, 1_000);
  expect([statSync(large).size, statSync(`${large}.1`).size, statSync(small).size]).toEqual([0, 10_000_001, 100]);
  expect(existsSync(`${small}.1`)).toBe(false);
  expect(statSync(other).size).toBe(100);
});
