// What .ci/run says at its end, with an npm, a Python and a kubectl that only play their parts.
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { newFolder } from '../support/environment';

const UNANSWERED = 'npm warn audit 405 Method Not Allowed\\nnpm error audit endpoint returned an error';

function run({
  tests = '12 passed, 0 failed',
  testsExit = 0,
  lintExit = 0,
  audit = 'found 0 vulnerabilities',
  auditExit = 0,
  pythonExit = 0,
  manifestsExit = 0,
}) {
  const folder = newFolder('ci');
  const play = (name: string, script: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}`);
    chmodSync(join(folder, name), 0o755);
  };
  play(
    'npm',
    `case "$*" in
  test) printf '${tests}\\n'; exit ${testsExit} ;;
  'run lint') exit ${lintExit} ;;
  audit*) printf '${audit}\\n'; exit ${auditExit} ;;
esac
`,
  );
  play('pip', '');
  play('kubernetes-validate', `exit ${manifestsExit}`);
  // Makes the virtual environment that it is asked for.
  play(
    'python3',
    `[ ${pythonExit} -eq 0 ] || exit ${pythonExit}; mkdir -p "$3/bin"; cp ${folder}/pip ${folder}/kubernetes-validate "$3/bin"`,
  );
  play('kubectl', '');
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, XDG_CACHE_HOME: newFolder('cache') };
  const { status, stdout } = spawnSync('bash', [join(PACKAGE_ROOT, '.ci/run')], { env, encoding: 'utf8' });
  return [stdout.trimEnd().split('\n').at(-1), status];
}

it.each<[string, Parameters<typeof run>[0], string, number]>([
  ['counts the tests and the five checks together', {}, '17 passed, 0 failed', 0],
  [
    'says that an audit which the registry did not answer was skipped, and does not count it as passed',
    { audit: UNANSWERED, auditExit: 1 },
    '16 passed, 0 failed, 1 skipped',
    0,
  ],
  [
    'adds what the tests have skipped',
    { tests: '12 passed, 0 failed, 3 skipped', audit: UNANSWERED, auditExit: 1 },
    '16 passed, 0 failed, 4 skipped',
    0,
  ],
  ['fails by an audit that found something', { audit: '3 high severity', auditExit: 1 }, '16 passed, 1 failed', 1],
  [
    'fails by an audit that found something before it broke off',
    { audit: `3 high\\n${UNANSWERED}`, auditExit: 1 },
    '16 passed, 1 failed',
    1,
  ],
  ['fails by a manifest', { manifestsExit: 1 }, '16 passed, 1 failed', 1],
  ['says that manifests were skipped without Python', { pythonExit: 1 }, '16 passed, 0 failed, 1 skipped', 0],
  ['fails by a check', { lintExit: 1 }, '16 passed, 1 failed', 1],
  ['fails by a test', { tests: '11 passed, 1 failed', testsExit: 1 }, '16 passed, 1 failed', 1],
  ['fails by tests that say nothing', { tests: 'crashed', testsExit: 1 }, '5 passed, 1 failed', 1],
  ['fails by tests that counted none as failed and yet failed', { testsExit: 1 }, '17 passed, 1 failed', 1],
])('%s', (_title, played, last, status) => {
  expect(run(played)).toEqual([last, status]);
});
