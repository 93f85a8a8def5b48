// Builds dist/: the database client, the compiled service, the workflow bundle, the files of the page /docs. What is up to date is left alone.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, runStep, tellFailure } from './steps.mjs';

const SOURCES = ['workflows', 'activities', 'api', 'worker', 'prisma', 'ops'];
const SETTINGS = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
const CLIENT_STAMP = 'prisma/generated/.made-from';
const STAMP = 'dist/.made-from';
const RELEASE = 'dist/release.json';
/** Of swagger-ui-dist, which with its telemetry is needed for the build alone. */
const PAGE_FILES = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png', 'LICENSE', 'NOTICE'];
const REMEDY =
  'A build needs npm ci without --omit=dev. If that was done, undo what was changed last in this folder, or clone afresh.';

export async function build() {
  const client = hash(['prisma/schema.prisma', 'package-lock.json']);
  if (read(CLIENT_STAMP) !== client) await generateClient(client);
  const sources = sourceFiles();
  const built = hash([...sources, ...SETTINGS]);
  if (read(STAMP) === built) return describeRelease(built);
  rmSync(join(root, STAMP), { force: true });
  await node('Compiling', 10, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);
  removeOrphans(sources);
  await node('Bundling the workflows', 4, ['dist/worker/bundle.js']);
  copyPage();
  describeRelease(built);
  write(STAMP, built);
}

/** Writes what this build is, for the registry of releases (ops/releases/release.ts). The commit may change without the build. */
function describeRelease(built) {
  const { version } = JSON.parse(read('package.json'));
  const release = {
    version,
    commit: process.env.SOURCE_COMMIT || currentCommit(),
    buildId: `${version}-${built.slice(0, 8)}`,
    bundleHash: hash(['dist/worker/workflow-bundle.js']),
    migrations: readdirSync(join(root, 'prisma/migrations'))
      .filter((name) => /^\d/.test(name))
      .sort(),
  };
  const text = `${JSON.stringify(release, null, 2)}\n`;
  if (read(RELEASE) !== text) write(RELEASE, text);
}

/** Null outside of a clone: in an image, or an unpacked archive. */
function currentCommit() {
  if (!existsSync(join(root, '.git'))) return null;
  const { status, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

/** Whether dist/ is a build of the sources as they are now. */
export const isBuilt = () => read(STAMP) === hash([...sourceFiles(), ...SETTINGS]);

async function generateClient(stamp) {
  await node('Making the database client', 4, ['prisma/cli.mjs', 'generate']);
  write(CLIENT_STAMP, stamp);
}

function node(what, usualSeconds, args) {
  return runStep({ what, usualSeconds, command: process.execPath, args, remedy: REMEDY });
}

function copyPage() {
  mkdirSync(join(root, 'dist/page'), { recursive: true });
  for (const file of PAGE_FILES)
    copyFileSync(join(root, 'node_modules/swagger-ui-dist', file), join(root, 'dist/page', file));
}

/** What is left of a source that is gone must not be run. */
function removeOrphans(sources) {
  const expected = new Set(sources.map((source) => source.replace(/\.ts$/, '.js')));
  for (const folder of SOURCES) {
    for (const file of filesBelow(join('dist', folder), /\.js$/)) {
      const made = file.slice('dist/'.length);
      const ours = expected.has(made) || made.startsWith('prisma/generated/') || made.endsWith('workflow-bundle.js');
      if (!ours) rmSync(join(root, file), { force: true });
    }
  }
}

function sourceFiles() {
  return SOURCES.flatMap((folder) => filesBelow(folder, /\.(ts|prisma)$/)).sort();
}

function filesBelow(folder, pattern) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return path === 'prisma/generated' ? [] : filesBelow(path, pattern);
    return pattern.test(entry.name) ? [path] : [];
  });
}

function hash(files) {
  const all = createHash('sha256');
  for (const file of files)
    all
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  return all.digest('hex');
}

function read(file) {
  return existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '';
}

function write(file, text) {
  mkdirSync(join(root, file, '..'), { recursive: true });
  writeFileSync(join(root, file), text);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  build().catch((error) => {
    console.error(tellFailure(error));
    process.exitCode = 1;
  });
}
