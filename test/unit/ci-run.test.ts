// What .ci/run says at its end, with an npm that only plays its part.
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
}) {
  const folder = newFolder('ci');
  const npm = join(folder, 'npm');
  writeFileSync(
    npm,
    `#!/bin/sh
case "$*" in
  test) printf '${tests}\\n'; exit ${testsExit} ;;
  'run lint') exit ${lintExit} ;;
  audit*) printf '${audit}\\n'; exit ${auditExit} ;;
esac
`,
  );
  chmodSync(npm, 0o755);
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const { status, stdout } = spawnSync('bash', [join(PACKAGE_ROOT, '.ci/run')], { env, encoding: 'utf8' });
  return [stdout.trimEnd().split('\n').at(-1), status];
}

it.each<[string, Parameters<typeof run>[0], string, number]>([
  ['counts the tests and the four checks together', {}, '16 passed, 0 failed', 0],
  [
    'says that an audit which the registry did not answer was skipped, and does not count it as passed',
    { audit: UNANSWERED, auditExit: 1 },
    '15 passed, 0 failed, 1 skipped',
    0,
  ],
  [
    'adds what the tests have skipped',
    { tests: '12 passed, 0 failed, 3 skipped', audit: UNANSWERED, auditExit: 1 },
    '15 passed, 0 failed, 4 skipped',
    0,
  ],
  ['fails by an audit that found something', { audit: '3 high severity', auditExit: 1 }, '15 passed, 1 failed', 1],
  [
    'fails by an audit that found something before it broke off',
    { audit: `3 high\\n${UNANSWERED}`, auditExit: 1 },
    '15 passed, 1 failed',
    1,
  ],
  ['fails by a check', { lintExit: 1 }, '15 passed, 1 failed', 1],
  ['fails by a test', { tests: '11 passed, 1 failed', testsExit: 1 }, '15 passed, 1 failed', 1],
  ['fails by tests that say nothing', { tests: 'crashed', testsExit: 1 }, '4 passed, 1 failed', 1],
  ['fails by tests that counted none as failed and yet failed', { testsExit: 1 }, '16 passed, 1 failed', 1],
])('%s', (_title, played, last, status) => {
  expect(run(played)).toEqual([last, status]);
});
