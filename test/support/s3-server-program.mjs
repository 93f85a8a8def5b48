// Finds versitygw, the S3 server of the tests, in this order: COUNTERSIGN_TEST_S3_SERVER, the PATH, the user's cache, the
// project's own release, a build by Go. Says what to do where none works.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { buildByGo, getPrograms, unpackRelease } from './cached-programs.mjs';

const VERSION = '1.8.0';
const NAME = 'versitygw';

/** @returns {Promise<string>} the path of the program */
export async function findS3Server(progress) {
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, NAME));
  const found = [process.env.COUNTERSIGN_TEST_S3_SERVER, ...onPath].find((file) => file && existsSync(file));
  if (found) return found;
  const ways = [
    ['Downloading the S3 server versitygw (usually 10 s)', download],
    [
      'Building the S3 server versitygw by Go (once for this user, usually 3 min)',
      (folder) => buildByGo([`github.com/versity/versitygw/cmd/versitygw@v${VERSION}`], folder),
    ],
  ];
  const [program] = await getPrograms([NAME], VERSION, ways, progress).catch((error) => {
    throw new Error(
      `The tests need the S3 server versitygw ${VERSION}: put it on the PATH, or install Go 1.25 or newer.\n${error.message}`,
    );
  });
  return program;
}

function download(folder) {
  const system = { linux: 'Linux', darwin: 'Darwin' }[process.platform];
  const machine = { x64: 'x86_64', arm64: 'arm64' }[process.arch];
  const name = `versitygw_v${VERSION}_${system}_${machine}`;
  const url = `https://github.com/versity/versitygw/releases/download/v${VERSION}/${name}.tar.gz`;
  return unpackRelease(url, folder, [NAME]);
}
