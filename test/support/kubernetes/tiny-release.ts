// Writes the folder of a release that does nothing but answer, so that a cluster starts and ends it in a moment.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Release } from '../../../ops/releases/release';
import { newFolder } from '../environment';

const server = (port: number, metricsPort: number) => `
const { createServer } = require('node:http');
const answer = (text) => (_, response) => response.end(text);
createServer(answer(JSON.stringify(process.env))).listen(${port}, process.env.HOST);
createServer(answer('up 1')).listen(${metricsPort}, process.env.HOST);
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 500));
`;

/** Says what it was given; waits for ever when told to. */
const PROGRAM = `
console.error('a line of stderr');
console.log(JSON.stringify({ args: process.argv.slice(2), env: process.env }));
if (process.env.WAITS) setInterval(() => {}, 1000);
else process.exitCode = Number(process.env.CODE ?? 0);
`;

/** @param isBroken its API ends at once */
export function writeTinyRelease(version: string, { isBroken = false } = {}): { folder: string; release: Release } {
  const folder = newFolder('release');
  const release: Release = {
    version,
    commit: null,
    buildId: `${version}-build`,
    bundleHash: 'a'.repeat(64),
    migrations: ['20261128120000_first'],
  };
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write('dist/release.json', JSON.stringify(release));
  write('dist/api/main.js', isBroken ? 'process.exit(1);' : server(8000, 9464));
  write('dist/worker/main.js', server(8001, 9465));
  write('prisma/cli.mjs', PROGRAM);
  return { folder, release };
}
