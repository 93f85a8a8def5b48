// `npm run bench`: on a fresh clone with nothing but Node, gets what is needed, builds, measures. See docs/development.md.
import { spawn, spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const cwd = dirname(dirname(fileURLToPath(import.meta.url)));
for (const script of ['ops/install.mjs', 'ops/build.mjs']) {
  // What they print goes to stderr, so that `--json` prints JSON alone.
  const { status } = spawnSync(process.execPath, [script], { cwd, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}
const bench = spawn(process.execPath, ['--require', 'tsx/cjs', 'test/bench/main.ts', ...process.argv.slice(2)], {
  cwd,
  stdio: 'inherit',
});
// The terminal signals the bench itself too; this one waits for its end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => bench.kill(signal));
bench.on('close', (code) => process.exit(code ?? 1));
