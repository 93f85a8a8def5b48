// Finds Temporal's production server and the tool that makes its schema, in the version of the compose file: from the
// user's cache, the project's own release, or a build by Go. Says what to do where none works.
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { buildByGo, getPrograms, unpackRelease } from './cached-programs.mjs';

const NAMES = ['temporal-server', 'temporal-sql-tool'];
const compose = readFileSync(new URL('../../ops/compose.yml', import.meta.url), 'utf8');
const [, VERSION] = /image: temporalio\/server:(\S+)/.exec(compose);

/** @returns {Promise<string[]>} the paths of the server and of the tool */
export async function findTemporalServer(progress) {
  const ways = [
    ["Downloading Temporal's server (usually 20 s)", download],
    ["Building Temporal's server by Go (once for this user, usually 5 to 12 min)", build],
  ];
  return getPrograms(NAMES, VERSION, ways, progress).catch((error) => {
    throw new Error(`The long tests need Temporal's server ${VERSION}: install Go 1.26 or newer.\n${error.message}`);
  });
}

function download(folder) {
  const machine = { x64: 'amd64', arm64: 'arm64' }[process.arch];
  const name = `temporal_${VERSION}_${process.platform}_${machine}`;
  return unpackRelease(
    `https://github.com/temporalio/temporal/releases/download/v${VERSION}/${name}.tar.gz`,
    folder,
    NAMES,
  );
}

function build(folder) {
  const module = 'go.temporal.io/server';
  buildByGo([`${module}/cmd/server@v${VERSION}`, `${module}/cmd/tools/sql@v${VERSION}`], folder);
  renameSync(join(folder, 'server'), join(folder, NAMES[0]));
  renameSync(join(folder, 'sql'), join(folder, NAMES[1]));
}
