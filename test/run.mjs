// `npm test`: on a fresh clone with nothing but Node, gets what the tests need, builds, runs them, leaves nothing behind.
// Arguments go on to jest; `--long` runs every long proof whole, and then a usual run on the newest LTS of Node; `--node <version>`
// runs on that version of Node; `--record` only records missing histories for replay.
// The last line is `N passed, N failed`.
import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTestsOn, runTestsOnNewestLts } from './support/other-node.mjs';
import { makeRunFolder } from './support/run-folder.mjs';
import { findS3Server } from './support/s3-server-program.mjs';
import { ensureSystemPackages } from './support/system-packages.mjs';
import { findTemporalServer } from './support/temporal-server-programs.mjs';
import { findTimeSkippingServer } from './support/time-skipping-server.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const given = process.argv.slice(2);
const long = given.includes('--long');
const record = given.includes('--record');
const jestArguments = given.filter((argument) => argument !== '--long' && argument !== '--record');
if (record) jestArguments.push('--testMatch', '**/test/replay/record.ts');
const plain = Boolean(process.env.CI || process.env.NO_COLOR);
const progress = (line) => console.log(`· ${line}`);

let running = null;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => running?.kill(signal));
const onOtherNode = {
  progress,
  started(child) {
    running = child;
  },
};
if (given[0] === '--node') {
  const { failed } = await runTestsOn(given[1], given.slice(2), onOtherNode);
  process.exit(failed === 0 ? 0 : 1);
}

const folder = makeRunFolder({ long });
// A developer's own file must not reach what the tests start.
const env = { ...process.env, COUNTERSIGN_TEST_FOLDER: folder, COUNTERSIGN_ENV_FILE: '' };
if (long) env.COUNTERSIGN_TEST_LONG = '1';
// Who names tests gets those.
const samples = !long && jestArguments.length === 0;
if (samples) env.COUNTERSIGN_TEST_SAMPLE ??= String(randomInt(10_000));
else delete env.COUNTERSIGN_TEST_SAMPLE;
if (plain) {
  env.NO_COLOR = '1';
  delete env.FORCE_COLOR;
}

let counts = { passed: 0, failed: 1, skipped: 0 };
try {
  step('the npm dependencies', 'ops/install.mjs');
  ensureSystemPackages(['postgres', 'redis', 'pgbackrest', 'prometheus', 'alertmanager'], progress);
  if (long) ensureSystemPackages(['faketime', 'buildah', 'runc', 'mmdebstrap'], progress);
  step('the build', 'ops/build.mjs');
  const { findTemporal } = createRequire(import.meta.url)('../dist/ops/local/binaries/temporal.js');
  await findTemporal((work) => work && progress(`${work.what} (usually ${work.usualSeconds} s)`));
  env.COUNTERSIGN_TEST_S3_SERVER = await findS3Server(progress);
  if (long) env.COUNTERSIGN_TEST_TEMPORAL_SERVER = (await findTemporalServer(progress)).join(delimiter);
  const path = await findTimeSkippingServer({
    progress,
    ensureTools: () => ensureSystemPackages(['java', 'maven'], progress),
  });
  if (path) env.TEMPORAL_TEST_SERVER = path;
  if (samples) tellSample(env.COUNTERSIGN_TEST_SAMPLE);
  counts = await runJest();
} catch (error) {
  console.error(error.message);
} finally {
  const { endLeftovers } = createRequire(import.meta.url)('./support/leftovers.cjs');
  endLeftovers(folder);
  rmSync(folder, { recursive: true, force: true });
}
if (long && jestArguments.length === 0) {
  const others = await runTestsOnNewestLts(onOtherNode);
  for (const name of Object.keys(counts)) counts[name] += others[name];
}
const { passed, failed, skipped } = counts;
console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 ? 0 : 1);

function step(what, script) {
  progress(`Seeing to ${what}`);
  const { status, error } = spawnSync(process.execPath, [script], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error || status !== 0) throw new Error(`${script} failed${error ? `: ${error.message}` : ''}`);
}

function tellSample(sample) {
  const { drawLongProofs } = createRequire(import.meta.url)('./support/long-proofs.cjs');
  const { held, leftOut } = drawLongProofs(sample);
  progress(`Of ${held.length + leftOut.length} long proofs this run holds ${held.join(', ')}`);
  progress(`COUNTERSIGN_TEST_SAMPLE=${sample} draws the same; npm run test:long holds all`);
}

async function runJest() {
  const results = join(folder, 'results.json');
  const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
  // Three keep two cores busy; a fourth there only makes each of them slower.
  const filesAtOnce = availableParallelism() > 2 ? 4 : 3;
  const options = [
    `--maxWorkers=${filesAtOnce}`,
    '--json',
    `--outputFile=${results}`,
    plain ? '--no-color' : '--color',
  ];
  // With --json jest writes its report to stderr and the JSON to the file.
  running = spawn(process.execPath, [jest, ...options, ...jestArguments], {
    cwd: root,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await new Promise((resolve) => running.once('close', resolve));
  return countResults(results, code);
}

function countResults(file, code) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  return {
    passed: report.numPassedTests,
    failed: failed || (code === 0 ? 0 : 1),
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
