// Programs that the tests need beside Node. On Debian and Ubuntu, as root or with passwordless sudo, what is missing is
// installed; elsewhere a sentence says what to install.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PROGRAMS = {
  postgres: {
    packages: ['postgresql'],
    present: () => onPath('postgres') || debianPostgres(),
    what: 'PostgreSQL 15 or newer',
  },
  redis: { packages: ['redis-server'], present: () => onPath('redis-server'), what: 'Redis' },
  pgbackrest: { packages: ['pgbackrest'], present: () => onPath('pgbackrest'), what: 'pgBackRest' },
  prometheus: { packages: ['prometheus'], present: () => onPath('promtool'), what: 'Prometheus' },
  alertmanager: { packages: ['prometheus-alertmanager'], present: () => onPath('amtool'), what: 'Alertmanager' },
  faketime: { packages: ['libfaketime'], present: debianFaketime, what: 'libfaketime' },
  buildah: { packages: ['buildah'], present: () => onPath('buildah'), what: 'buildah' },
  runc: { packages: ['runc'], present: () => onPath('runc'), what: 'runc' },
  mmdebstrap: { packages: ['mmdebstrap'], present: () => onPath('mmdebstrap'), what: 'mmdebstrap' },
  java: { packages: ['default-jre-headless'], present: () => onPath('java'), what: 'a Java runtime, 17 or newer' },
  maven: { packages: ['maven'], present: () => onPath('mvn'), what: 'Maven' },
};

/** @param {(keyof typeof PROGRAMS)[]} names */
export function ensureSystemPackages(names, progress) {
  const missing = names.map((name) => PROGRAMS[name]).filter(({ present }) => !present());
  if (missing.length === 0) return;
  const packages = missing.flatMap((program) => program.packages);
  const become = privilege();
  if (!become || !onPath('apt-get')) {
    throw new Error(`The tests need ${missing.map(({ what }) => what).join(' and ')}: install it and try again.`);
  }
  progress(`Installing ${packages.join(', ')} by apt (usually 10 to 60 s)`);
  const keepStopped = keepServicesStopped();
  try {
    apt(become, ['update', '-qq']);
    apt(become, ['install', '-y', '-qq', '--no-install-recommends', ...packages]);
  } finally {
    keepStopped.end();
  }
}

function apt(become, args) {
  const [command, ...rest] = [...become, 'apt-get', ...args];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const done = spawnSync(command, rest, { encoding: 'utf8', env, stdio: ['ignore', 'ignore', 'pipe'] });
  if (done.status !== 0) throw new Error(`apt-get ${args[0]} failed: ${done.stderr?.trim().slice(-600)}`);
}

/** Debian starts a service with its package; the tests start servers of their own. */
function keepServicesStopped() {
  const policy = '/usr/sbin/policy-rc.d';
  if (process.getuid?.() !== 0 || existsSync(policy)) return { end() {} };
  // ops/local/binaries/service-policy.ts knows it by this, and removes what a kill has left.
  const mark = `# Written by Countersign (process ${process.pid}) while it installs a package.`;
  writeFileSync(policy, `#!/bin/sh\n${mark}\nexit 101\n`, { mode: 0o755 });
  return { end: () => rmSync(policy, { force: true }) };
}

/** How to act as root: what to put before a command, or null. */
function privilege() {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0
    ? ['sudo', '-n', '--preserve-env=DEBIAN_FRONTEND,RUNLEVEL']
    : null;
}

function onPath(program) {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program)));
}

function debianFaketime() {
  return readdirSync('/usr/lib').some((name) => existsSync(`/usr/lib/${name}/faketime/libfaketimeMT.so.1`));
}

function debianPostgres() {
  const versions = '/usr/lib/postgresql';
  return existsSync(versions) && readdirSync(versions).some((version) => Number(version) >= 15);
}
