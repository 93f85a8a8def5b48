// Programs of a release as Jobs in a real cluster: Kubernetes' own API, rights and controllers, whose pods are processes here.
import type { ReleaseDriver } from '../../ops/releases/driver';
import { readRelease } from '../../ops/releases/release';
import { VERSION } from '../../ops/runtime/package-root';
import { newFolder } from '../support/environment';
import { type Installation, install } from '../support/kubernetes/installation';
import { writeTinyRelease } from '../support/kubernetes/tiny-release';
import { until } from '../support/until';

jest.setTimeout(3_600_000);

const NEXT = '0.2.0-rc.1+Build.7';
const PROGRAMS = 'app.kubernetes.io/component=program';

let installation: Installation;
let driver: ReleaseDriver;

beforeAll(async () => {
  installation = await install('of_the_programs');
  installation.addImage(NEXT, writeTinyRelease(NEXT).folder);
  driver = installation.openDriver();
  await until('the overlay has migrated the database', async () => {
    const [job] = await installation.list<{ status: { succeeded?: number } }>('jobs');
    return job?.status.succeeded === 1;
  });
});
afterAll(() => installation?.stop());

describe('the images', () => {
  it('are found by what they hold, and asked once', async () => {
    const { release } = writeTinyRelease(NEXT);
    expect(await driver.find(NEXT)).toEqual(release);
    const before = await installation.list('pods');
    expect(await driver.find(NEXT)).toEqual(release);
    expect(await driver.find(VERSION)).toEqual(readRelease());
    expect(await installation.list('pods')).toHaveLength(before.length);
    expect(await installation.list('jobs', PROGRAMS)).toEqual([]);
  });

  it('are not found if they are from before there were releases', async () => {
    installation.addImage('0.0.9', newFolder('no-release'));
    expect(await driver.find('0.0.9')).toBeNull();
  });

  it('are refused if they hold another version than their tag says', async () => {
    installation.addImage('0.2.1', writeTinyRelease(NEXT).folder);
    await expect(driver.find('0.2.1')).rejects.toThrow(`countersign:0.2.1 holds the version ${NEXT}`);
  });

  it('are not found if nobody can pull them', async () => {
    expect(await driver.find('9.9.9')).toBeNull();
  });
});

describe('a program of a release', () => {
  it('runs with the settings of the API and its own, and leaves nothing behind', async () => {
    const env = { CODE: '3', OF_THE_TEST: 'alone' };
    const { code, stdout, stderr } = await driver.run({ version: NEXT, program: 'migrate', args: ['--x y'], env });
    expect([code, stderr]).toEqual([3, 'a line of stderr\n']);
    const given = JSON.parse(stdout);
    expect(given.args).toEqual(['migrate', 'deploy', '--x y']);
    expect(given.env).toMatchObject({ ...env, TEMPORAL_NAMESPACE: installation.temporal.namespace });
    expect(await installation.list('jobs', PROGRAMS)).toEqual([]);
    await until('its secret is gone', async () => (await installation.list('secrets')).length === 1);
  });

  it('runs the real migrations and the real replay of this build', async () => {
    const migrated = await driver.run({ version: VERSION, program: 'migrate' });
    expect([migrated.code, migrated.stdout]).toEqual([0, expect.stringContaining('No pending migrations')]);
    const replayed = await driver.run({ version: VERSION, program: 'replay' });
    expect([replayed.code, JSON.parse(replayed.stdout)]).toEqual([0, expect.objectContaining({ failed: 0 })]);
  });

  it('has ended when its signal has aborted it', async () => {
    const ending = new AbortController();
    const run = driver.run({ version: NEXT, program: 'migrate', env: { WAITS: 'yes' }, signal: ending.signal });
    run.catch(() => {});
    await untilProgramRuns();
    ending.abort(new Error('asked to end'));
    await expect(run).rejects.toThrow('asked to end');
    expect(await installation.list('pods', PROGRAMS)).toEqual([]);
  });

  it('ends before the next one begins, if its driver was killed', async () => {
    const killed = installation.openDriver().run({ version: NEXT, program: 'migrate', env: { WAITS: 'yes' } });
    const lost = expect(killed).rejects.toThrow('is gone before its end');
    await untilProgramRuns();
    expect((await driver.run({ version: NEXT, program: 'migrate' })).code).toBe(0);
    await lost;
  });

  const untilProgramRuns = () =>
    until('the program runs', async () => {
      const pods = await installation.list<{ status: { phase: string } }>('pods', PROGRAMS);
      return pods.some(({ status }) => status.phase === 'Running');
    });
});
