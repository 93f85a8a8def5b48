// `ops/rollback.sh` and `ops/deploy.sh` as an operator calls them: wrong usage, what they print, and their exit codes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { uuidv7 } from 'uuidv7';
import { WrongUsage } from '../../ops/command';
import { deployCommand } from '../../ops/releases/deploy';
import { rollbackCommand } from '../../ops/releases/rollback';
import { startDeployment, startRollback } from '../../ops/releases/runs';
import { newFolder } from '../support/environment';
import { runHere } from '../support/run-command';
import { until } from '../support/until';
import { ReleaseHost } from './release-host';

const ROOT = join(__dirname, '..', '..');
const ID = '019b0000-0000-7000-8000-000000000001';

let host: ReleaseHost;
beforeAll(async () => {
  host = await ReleaseHost.start();
});
afterAll(() => host?.close());
beforeEach(() => host.serves('2.0.0', '1.0.0'));

const environment = () => ({
  COUNTERSIGN_ENV_FILE: '',
  DATABASE_URL: host.database.url,
  TEMPORAL_ADDRESS: host.temporal.address,
  TEMPORAL_NAMESPACE: host.temporal.namespace,
});
const rollback = (args: string[], env: Record<string, string> = environment()) => runHere(rollbackCommand, args, env);
const deploy = (args: string[], env: Record<string, string> = environment()) => runHere(deployCommand, args, env);

/** As a process of its own, whose standard input says this. */
async function run(file: string, args: string[], given: { env?: Record<string, string>; answer?: string } = {}) {
  const child = spawn(file, args, { cwd: '/', env: { PATH: '/usr/bin:/bin', NODE: process.execPath, ...given.env } });
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  child.stdin.end(given.answer ?? '');
  const [code] = await once(child, 'close');
  return { code, stdout: await stdout, stderr: await stderr };
}
const ROLLBACK = join(ROOT, 'ops', 'rollback.sh');

const NO_VERSION = 'is not a version: letters, digits and . + -';
it.each<[string, string[], string]>([
  ['rollback', ['--nonsense'], "Unknown option '--nonsense'."],
  ['rollback', ['1.0.0'], "Unexpected argument '1.0.0'."],
  ['rollback', ['--version'], "Option '--version <value>' argument missing."],
  ['rollback', ['--version', '../x'], `../x ${NO_VERSION}`],
  ['rollback', ['--version', ''], ` ${NO_VERSION}`],
  ['rollback', ['--reason', '  '], '--reason takes 1 to 2000 characters.'],
  ['rollback', ['--reason', 'x'.repeat(2001)], '--reason takes 1 to 2000 characters.'],
  ['rollback', ['--follow', 'x'], 'x is not the id of a rollback.'],
  ['rollback', ['--abort', '1'], '1 is not the id of a rollback.'],
  ['rollback', ['--follow', ID, '--abort', ID], '--follow and --abort are one or the other.'],
  ['rollback', ['--follow', ID, '--version', '1.0.0'], '--version does not go with --follow.'],
  ['rollback', ['--abort', ID, '--dry-run'], '--dry-run does not go with --abort.'],
  ['rollback', ['--abort', ID, '--reason', 'x'], '--reason does not go with --abort.'],
  ['deploy', [], 'Name one version, such as v1.3.0.'],
  ['deploy', ['1.0.0', '2.0.0'], 'Name one version, such as v1.3.0.'],
  ['deploy', ['../x'], `../x ${NO_VERSION}`],
  ['deploy', ['--from'], "Option '--from <value>' argument missing."],
  ['deploy', ['--follow', ID, '1.0.0'], '--follow takes the id of a deployment alone.'],
  ['deploy', ['--abort', ID, '--from', '.'], '--abort takes the id of a deployment alone.'],
  ['deploy', ['--follow', ID, '--abort', ID], '--follow and --abort are one or the other.'],
  ['deploy', ['--follow', 'x'], 'x is not the id of a deployment.'],
])('%s %j is wrong usage, in one line', async (script, args, said) => {
  const command = script === 'rollback' ? rollbackCommand : deployCommand;
  await expect(command.run(args)).rejects.toThrow(new WrongUsage(said));
});

it('end with 2 and an example if they are called wrongly, and show help from any folder and by a link', async () => {
  const link = join(newFolder('bin'), 'countersign-rollback');
  symlinkSync(ROLLBACK, link);
  const [wrong, help] = await Promise.all([
    run(join(ROOT, 'ops', 'deploy.sh'), ['--nonsense', '--json']),
    run(link, ['--help']),
  ]);
  expect([wrong.code, wrong.stdout, wrong.stderr.split('\n')]).toEqual([
    2,
    '',
    ["Unknown option '--nonsense'.", expect.stringMatching(/^For example: ops\/deploy\.sh v1\.3\.0/), ''],
  ]);
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining('--dry-run')]);
});

it('end with 1 and the remedy if Temporal does not answer', async () => {
  const away = { ...environment(), TEMPORAL_ADDRESS: '127.0.0.1:9' };
  for (const run of [await rollback(['--json'], away), await deploy(['2.0.0', '--json'], away)]) {
    expect([run.code, JSON.parse(run.output).problem.code]).toEqual([1, 'not_running']);
    expect(run.errors).toContain("Countersign isn't running");
  }
});

it('end with 1 if the run to follow or to give up is not there', async () => {
  for (const args of [
    ['--follow', ID],
    ['--abort', ID],
  ]) {
    expect((await rollback([...args, '--json'])).code).toBe(1);
    expect((await deploy([...args, '--json'])).code).toBe(1);
  }
});

describe('ops/rollback.sh', () => {
  it('says what it will do and what was done, keeps the reason, and ends with 0', async () => {
    const run = await rollback(['--yes', '--reason', 'It answers 500']);
    expect(run.output.split('\n')).toEqual([
      expect.stringMatching(/^Rolled back after .*: 1\.0\.0 serves\.$/),
      'health        1 API and 1 worker process(es); 0 of 0 requests failed',
      expect.stringMatching(/^restore point before-/),
      '',
    ]);
    expect(run.code).toBe(0);
    const [note] = await host.database.db.operatorNote.findMany();
    expect(note).toMatchObject({ service: 'releases', text: 'It answers 500' });
    const events = await host.database.db.auditEvent.findMany({ where: { subjectId: note?.id as string } });
    expect(events.map(({ type }) => type).sort()).toEqual(['release.rolled_back', 'rollback.requested']);
  });

  it('tells its plan, and waits for a word if nobody answers; --follow takes the word', async () => {
    const asked = await run(ROLLBACK, ['--json'], { env: environment() });
    expect([asked.code, JSON.parse(asked.stdout).problem.code]).toEqual([1, 'unanswered']);
    for (const line of [
      'from          2.0.0',
      'to            1.0.0',
      'no open runs go on',
      'mail(s) sent since then stay sent',
    ]) {
      expect(asked.stderr).toContain(line);
    }
    const [, id = ''] = /ops\/rollback\.sh --abort (\S+)/.exec(asked.stderr) ?? [];
    const followed = await run(ROLLBACK, ['--follow', id.toUpperCase(), '--json'], {
      env: environment(),
      answer: 'perhaps\nyes\n',
    });
    expect(JSON.parse(followed.stdout)).toMatchObject({ id, status: 'done', result: { serving: '1.0.0' } });
    expect(followed.code).toBe(0);
  });

  it('changes nothing if the answer is no', async () => {
    const before = await host.state();
    const asked = await run(ROLLBACK, [], { env: environment(), answer: 'no\n' });
    expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining('is aborted after')]);
    expect(await host.state()).toEqual(before);
  });

  it('gives one up by --abort, which ends with 0 once it is undone', async () => {
    host.fault = { activity: 'switchWorkers', then: 'hangs' };
    const id = await startRollback(host.temporal.client, { yes: true });
    await host.untilStruck();
    const run = await rollback(['--abort', id]);
    expect([run.code, run.errors]).toEqual([0, expect.stringMatching(/is aborted after .*2\.0\.0 serves\./s)]);
    expect((await rollback(['--abort', id])).code).toBe(1);
  });

  it('ends with 1 and says what serves if a step failed', async () => {
    host.fault = { activity: 'migrateDown', then: 'fails' };
    const run = await rollback(['--yes']);
    expect([run.code, run.output]).toEqual([1, '']);
    expect(run.errors).toMatch(/is failed after .*\(broken\): The test says so 2\.0\.0 serves\./s);
  });

  it('ends with 3 and the reason if it is refused', async () => {
    const run = await rollback(['--version', 'v9.9.9', '--yes', '--json']);
    expect([run.code, JSON.parse(run.output)]).toEqual([
      3,
      expect.objectContaining({ status: 'refused', problem: expect.objectContaining({ code: 'unknown_release' }) }),
    ]);
  });

  it('ends with 1 if nothing could be rehearsed, though nothing failed', async () => {
    const run = await rollback(['--dry-run']);
    expect([run.code, run.errors]).toEqual([1, expect.stringContaining('NOT rehearsed (no_tools)')]);
  });
});

describe('ops/deploy.sh', () => {
  it('follows a deployment to its end', async () => {
    await host.serves('1.0.0');
    const id = await startDeployment(host.temporal.client, '2.0.0');
    const run = await deploy(['--follow', id]);
    expect([run.code, run.output.split('\n')]).toEqual([
      0,
      [
        expect.stringMatching(/^2\.0\.0 serves after /),
        'health        1 API and 1 worker process(es); 0 of 0 requests failed',
        'Back again: ops/rollback.sh (to 1.0.0)',
        '',
      ],
    ]);
  });

  it('can’t give one up whose release serves already, and says how to go back', async () => {
    await host.serves('1.0.0');
    host.fault = { activity: 'drainWorkers', then: 'waits' };
    const id = await startDeployment(host.temporal.client, '2.0.0');
    await host.untilStruck();
    const run = await deploy(['--abort', id]);
    expect([run.code, run.errors]).toEqual([
      1,
      `Deployment ${id} can't be given up: 2.0.0 serves already. To go back to 1.0.0: ops/rollback.sh\n`,
    ]);
    host.goesOn.resolve();
    expect((await deploy(['--follow', id])).code).toBe(0);
  });

  it('ends with 3 for a version without a tag, and with nothing started', async () => {
    const run = await deploy(['9.9.9', '--json'], { ...environment(), RELEASES_FOLDER: newFolder('releases') });
    expect([run.code, JSON.parse(run.output).problem.code]).toEqual([3, 'unknown_release']);
    const count = () =>
      host.temporal.client.workflow.count(`WorkflowType = 'deployment' AND ExecutionStatus = 'Running'`);
    await until('none runs', async () => (await count()).count === 0);
  });

  it('ends with 3 for a folder that holds no sources', async () => {
    const run = await deploy(['9.9.9', '--from', newFolder('empty'), '--json'], {
      ...environment(),
      RELEASES_FOLDER: newFolder('releases'),
    });
    expect([run.code, JSON.parse(run.output).problem.code]).toEqual([3, 'no_sources']);
  });

  it('ends with 1 if it is undone, and gives one up by --abort', async () => {
    await host.serves('1.0.0');
    host.fault = { activity: 'tryApi', then: 'hangs' };
    const id = await startDeployment(host.temporal.client, '2.0.0');
    await host.untilStruck();
    const run = await deploy(['--abort', id]);
    expect([run.code, run.errors]).toEqual([
      0,
      expect.stringMatching(/deployment of 2\.0\.0 is aborted after .*1\.0\.0 serves\./s),
    ]);
    expect((await deploy(['--follow', id])).code).toBe(1);
    expect((await deploy(['--follow', uuidv7()])).code).toBe(1);
  });
});
