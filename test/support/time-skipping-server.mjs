// Finds Temporal's time-skipping test server, in this order: TEMPORAL_TEST_SERVER, the SDK's own download, the Java
// original by Maven, kept in the user's cache. Says what to do where none works.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const VERSION = '1.38.0';
/** Of what is installed here: counts up with the launcher. */
const MADE = 2;
const cacheRoot = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const installed = join(cacheRoot, 'countersign', `temporal-test-server-${VERSION}-${MADE}`);
const launcher = join(installed, 'temporal-test-server');
/** What the JVM has loaded and checked once: the server then starts in a third of the time, which the SDK bounds. */
const archive = join(installed, 'classes.jsa');

/** @returns {Promise<string | undefined>} the path for TEMPORAL_TEST_SERVER; undefined: the SDK has its own */
export async function findTimeSkippingServer({ progress, ensureTools }) {
  const given = process.env.TEMPORAL_TEST_SERVER;
  if (given) {
    if (!existsSync(given)) throw new Error(`TEMPORAL_TEST_SERVER names ${given}, which does not exist.`);
    return given;
  }
  if (!existsSync(launcher)) {
    progress('Asking for the time-skipping Temporal test server (a minute at most)');
    if (await sdkHasItsOwn()) return undefined;
    ensureTools();
    progress('Getting the Java time-skipping test server by Maven (usually 15 to 60 s)');
    installByMaven();
  }
  if (!runs('java', ['-version'])) ensureTools();
  if (!existsSync(archive)) await keepClasses();
  return launcher;
}

async function sdkHasItsOwn() {
  const { TestWorkflowEnvironment } = createRequire(import.meta.url)('@temporalio/testing');
  try {
    const environment = await TestWorkflowEnvironment.createTimeSkipping();
    await environment.teardown();
    return true;
  } catch {
    return false;
  }
}

function installByMaven() {
  const scratch = mkdtempSync(join(tmpdir(), 'countersign-maven-'));
  try {
    writeFileSync(join(scratch, 'pom.xml'), POM);
    const done = spawnSync('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], {
      cwd: scratch,
      encoding: 'utf8',
      timeout: 600_000,
    });
    if (done.error || done.status !== 0) {
      throw new Error(
        `The time-skipping Temporal test server could not be got: neither the SDK's download nor Maven works here ` +
          `(mvn: ${done.error?.message ?? `${done.stdout}${done.stderr}`.trim().slice(0, 600)}).\n` +
          'Install a JDK (17 or newer) and Maven, or set TEMPORAL_TEST_SERVER to an executable test server.',
      );
    }
    rmSync(installed, { recursive: true, force: true });
    mkdirSync(join(installed, 'lib'), { recursive: true });
    spawnSync('cp', ['-R', `${join(scratch, 'lib')}/.`, join(installed, 'lib')]);
    // The launcher comes last and whole: where it is, the rest is.
    writeFileSync(`${launcher}.part`, LAUNCHER, { mode: 0o755 });
    renameSync(`${launcher}.part`, launcher);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Where it fails the server is only slower. */
async function keepClasses() {
  const fresh = `${archive}.part`;
  const { freePort } = createRequire(import.meta.url)('../../dist/ops/local/ports.js');
  const port = await freePort();
  const server = spawn('java', [`-XX:ArchiveClassesAtExit=${fresh}`, ...JAVA, String(port)], { stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('error', resolve).once('exit', resolve));
  const deadline = Date.now() + 60_000;
  while (server.exitCode === null && !(await listens(port)) && Date.now() < deadline) await delay(100);
  server.kill('SIGTERM');
  await Promise.race([ended, delay(60_000, undefined, { ref: false })]);
  server.kill('SIGKILL');
  if (existsSync(fresh)) renameSync(fresh, archive);
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

const JAVA = [
  ...['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-XX:-UsePerfData'],
  ...['-cp', `${join(installed, 'lib')}/*`, 'io.temporal.testserver.TestServer'],
];
// An archive that is missing, or of another JVM, is passed over.
const LAUNCHER = `#!/bin/sh
exec java -Xshare:auto -XX:SharedArchiveFile='${archive}' -Xlog:disable ${JAVA.map((word) => `'${word}'`).join(' ')} "$@"
`;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>countersign</groupId>
  <artifactId>test-server</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;
