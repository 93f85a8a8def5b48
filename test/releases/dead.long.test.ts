// A release that no longer comes up at all: `npm start` fails with it, and one command brings the release before it back.
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { makeNextRelease } from './next-release';
import { ReleaseInstallation } from './release-installation';
import { runToEnd } from './run-node';

jest.setTimeout(900_000);

const NEXT = '99.0.0';

let installation: ReleaseInstallation;
let first: string;
let sources: string;
beforeAll(async () => {
  installation = await ReleaseInstallation.start();
  ({ first } = installation);
  sources = await makeNextRelease(installation.folder, `${installation.folder}-next`, {
    version: NEXT,
    column: 'colour',
  });
});
afterAll(() => installation?.stop());

it('undoes a deployment whose API does not become ready, and the release before serves all the time', async () => {
  const schema = await installation.readSchema();
  const broken = await makeNextRelease(sources, `${installation.folder}-broken`, {
    version: '99.1.0',
    column: 'shade',
    changes: { 'api/main.ts': [["runProcess('api'", "throw new Error('broken');\nrunProcess('api'"]] },
  });
  let refused = 0;
  const probing = setInterval(async () => {
    if (!(await installation.isReady())) refused += 1;
  }, 500);
  const { code, stdout } = await installation.command('deploy', '99.1.0', '--from', broken, '--json');
  clearInterval(probing);
  expect([code, JSON.parse(stdout)]).toMatchObject([
    1,
    { status: 'failed', problem: { code: 'not_ready' }, result: { serving: first } },
  ]);
  expect(refused).toBe(0);
  expect(await installation.version()).toBe(first);
  expect(await installation.readSchema()).toBe(schema);
  expect(await installation.query(`SELECT version FROM releases WHERE state = 'failed'`)).toEqual([
    { version: '99.1.0' },
  ]);
});

it('rolls back while nothing runs, since the release can not start', async () => {
  await installation.done('deploy', NEXT, '--from', sources);
  const draft = await installation.submit('reader@customer.example');
  await installation.own.stop();
  for (const program of ['api', 'worker']) {
    const main = join(installation.folder, '.countersign', 'releases', NEXT, 'dist', program, 'main.js');
    renameSync(main, `${main}.away`);
  }
  const { folder: cwd, env } = installation.own;
  const started = await runToEnd(process.execPath, ['ops/start.mjs'], { cwd, env });
  expect(started.code).toBe(1);

  const begun = Date.now();
  const { result } = await installation.done('rollback', '--yes', '--reason', 'It does not start');
  expect(result.serving).toBe(first);
  console.log(`Rolled back in ${((Date.now() - begun) / 1000).toFixed(1)} s, with what it brought up`);

  await installation.own.start();
  expect(await installation.version()).toBe(first);
  await installation.approve(draft);
  await installation.untilSent(draft);
  expect(installation.mails()).toEqual({ 'reader@customer.example': 1 });
});
