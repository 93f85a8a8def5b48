// `ops/backup.sh` and `ops/restore.sh` as an operator or cron runs them, on STAND-IN workflows that obey the contracts.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { backupCommand } from '../../ops/recovery/backup';
import { WrongUsage } from '../../ops/recovery/command';
import { restoreCommand } from '../../ops/recovery/restore';
import { newFolder } from '../support/environment';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { StandIn } from './stand-in';

const ROOT = join(__dirname, '..', '..');
const PLACES = { PATH: '/usr/bin:/bin', NODE: process.execPath };

let temporal: TestNamespace;
let standIn: StandIn;
let backups: string;
beforeAll(async () => {
  temporal = await createTestNamespace();
  standIn = await StandIn.start(temporal);
  backups = newFolder('backups');
});
afterAll(async () => {
  await standIn?.stop();
  await temporal?.close();
});

const environment = () => ({
  ...PLACES,
  TEMPORAL_ADDRESS: temporal.address,
  TEMPORAL_NAMESPACE: temporal.namespace,
  BACKUP_URL: `file://${backups}`,
  SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
});

interface Run {
  child: ChildProcess;
  output(): string;
  errors(): string;
  ended: Promise<number | null>;
}

function begin(script: string, args: string[], env: NodeJS.ProcessEnv = environment()): Run {
  const child = spawn(script.startsWith('/') ? script : join(ROOT, 'ops', `${script}.sh`), args, { cwd: '/', env });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text) => {
    said.out += text;
  });
  child.stderr.on('data', (text) => {
    said.err += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, output: () => said.out, errors: () => said.err, ended };
}

async function run(script: string, args: string[], options: { env?: NodeJS.ProcessEnv; answer?: string } = {}) {
  const begun = begin(script, args, options.env);
  begun.child.stdin?.end(options.answer ?? '');
  const code = await begun.ended;
  return { code, output: begun.output(), errors: begun.errors() };
}

const WRONG: [script: string, args: string[], said: string][] = [
  ['backup', ['--nonsense'], "Unknown option '--nonsense'."],
  ['backup', ['--type'], "Option '--type <value>' argument missing."],
  ['backup', ['--type', 'diff'], '--type is full or incr, not diff.'],
  ['backup', ['--list', '--db'], '--list goes with --json alone.'],
  ['backup', ['--follow', 'x'], '--follow takes the id of a backup, like 20260123T180000Z, not x.'],
  ['restore', [], 'Say what to restore: --from-s3 latest for the newest backup, or --pitr for a time.'],
  [
    'restore',
    ['--pitr', 'yesterday'],
    '--pitr: "yesterday" is not understood. Write a day and a time of day, with an offset if it is not this machine\'s.',
  ],
  ['restore', ['--pitr', '2020-01-01 10:00Z', '--undo'], '--pitr does not go with --undo.'],
  [
    'restore',
    ['--from-s3', 'https://x'],
    '--from-s3 takes latest, the id of a set like 20260123T180000Z, or an s3:// or file:// URL, not https://x.',
  ],
  ['restore', ['--undo', 'x'], 'x is not the id of a restore.'],
];

it.each(WRONG)('%s %j is wrong usage, in one line', async (script, args, said) => {
  await expect((script === 'backup' ? backupCommand : restoreCommand).run(args)).rejects.toThrow(new WrongUsage(said));
});

it('ends with 2 and an example where it is called wrongly, and shows help from any folder and by a link', async () => {
  const link = join(newFolder('bin'), 'countersign-backup');
  symlinkSync(join(ROOT, 'ops', 'backup.sh'), link);
  const [wrong, help] = await Promise.all([run('restore', ['--nonsense', '--json']), run(link, ['--help'])]);
  expect([wrong.code, wrong.output, wrong.errors.split('\n')]).toEqual([
    2,
    '',
    ["Unknown option '--nonsense'.", expect.stringMatching(/^For example: ops\/restore\.sh --pitr/), ''],
  ]);
  expect([help.code, help.output]).toEqual([0, expect.stringContaining('ops/backup.sh --db --type incr')]);
});

it('ends with 1 and the remedy where Temporal does not answer, or no worker has the tools', async () => {
  const other = await createTestNamespace();
  const [away, toolless] = await Promise.all([
    run('backup', ['--json'], { env: { ...environment(), TEMPORAL_ADDRESS: '127.0.0.1:9' } }),
    run('restore', ['--from-s3', 'latest'], { env: { ...environment(), TEMPORAL_NAMESPACE: other.namespace } }),
  ]);
  await other.close();
  expect([away.code, JSON.parse(away.output).problem.code]).toEqual([1, 'not_running']);
  expect(away.errors).toContain("Countersign isn't running");
  expect([toolless.code, toolless.errors]).toEqual([1, expect.stringContaining('apt install pgbackrest')]);
});

describe('ops/backup.sh', () => {
  it('tells each step in plain lines, and ends with 0', async () => {
    const { code, output, errors } = await run('backup', ['--db', '--redis', '--type', 'incr']);
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(
        /^Backup \d{8}T\d{6}Z is done, after \d+ s: incr, 2\.0 MB backed up, 1\.0 MB added, 7 segments of the log checked\.\n$/,
      ),
    ]);
    expect(
      errors
        .trim()
        .split('\n')
        .map((line) => line.replace(/\d+ s/, '… s')),
    ).toEqual([
      expect.stringMatching(/^Backup \d{8}T\d{6}Z$/),
      '· PostgreSQL',
      '  PostgreSQL: done after … s',
      '· Redis',
      '  Redis: done after … s',
    ]);
  });

  it('leaves the backup running when it is interrupted, and follows it again', async () => {
    standIn.held.add('files');
    const first = begin('backup', ['--files']);
    await until('the step is told', () => first.errors().includes('· files'));
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(130);
    const [, id = ''] = /To follow it again: ops\/backup\.sh --follow (\S+)/.exec(first.errors()) ?? [];
    const again = begin('backup', ['--follow', id, '--json']);
    await until('the step is told again', () => again.errors().includes('· files'));
    standIn.held.delete('files');
    expect(await again.ended).toBe(0);
    expect(JSON.parse(again.output())).toMatchObject({ id, status: 'done', result: { kind: 'full' }, problem: null });
  });

  it('says that there is no such backup, and lists what there is without anything that runs', async () => {
    const { TEMPORAL_ADDRESS: _, ...alone } = environment();
    const [unknown, none] = await Promise.all([
      run('backup', ['--follow', '20200101T000000Z']),
      run('backup', ['--list'], { env: alone }),
    ]);
    expect([unknown.code, unknown.errors]).toEqual([1, expect.stringContaining('there is none that Temporal knows')]);
    expect(none).toMatchObject({ code: 0, output: expect.stringContaining('There is no backup under file://') });
  });
});

describe('ops/restore.sh', () => {
  it('tells how the time was understood, shows the plan, asks, and switches on yes', async () => {
    const env = { ...environment(), TZ: 'Europe/Berlin' };
    const { code, output, errors } = await run('restore', ['--pitr', '2026-01-23 18:00:00'], {
      answer: 'maybe\nyes\n',
      env,
    });
    expect(errors).toContain('Restoring to 2026-01-23 18:00:00 Europe/Berlin, which is 2026-01-23T17:00:00Z.');
    expect(errors).toContain('from        set 20260123T180000Z, timeline 1');
    expect(errors).toContain('switch to the restored database? [yes/no]');
    expect([code, output]).toEqual([0, expect.stringContaining('is done after')]);
    expect(output).toContain('3 drafts that the send journal names');
  });

  it('gives it up on no, and one that runs keeps another from beginning', async () => {
    const first = begin('restore', ['--from-s3', 'latest']);
    await until('it asks', () => first.errors().includes('[yes/no]'));
    const second = await until('the other is seen', async () => {
      const refused = await run('restore', ['--from-s3', 'latest', '--dry-run', '--json']);
      return refused.code === 3 && refused;
    });
    expect(JSON.parse(second.output).problem.code).toBe('restore_running');
    first.child.stdin?.end('no\n');
    expect(await first.ended).toBe(1);
    expect(first.errors()).toContain('is aborted');
  });

  it('waits where nobody answers, and is confirmed or aborted later', async () => {
    const left = await run('restore', ['--from-s3', '20260123T180000Z', '--json']);
    expect([left.code, JSON.parse(left.output).problem.code]).toEqual([1, 'unanswered']);
    const [, id = ''] = /--abort ([\da-f-]{36})/.exec(left.errors) ?? [];
    expect(await run('restore', ['--follow', id, '--yes'])).toMatchObject({ code: 0 });
    expect(await run('restore', ['--abort', id])).toMatchObject({
      code: 1,
      errors: expect.stringContaining("can't be given up"),
    });
  });

  it('ends with 3 and the reason where the preflight refuses', async () => {
    const { code, errors } = await run('restore', ['--before', 'nothing', '--yes']);
    expect([code, errors]).toEqual([3, expect.stringContaining('is refused')]);
    expect(errors).toContain('(no_restore_point): There is no restore point of this name.');
  });

  it('reconciles the newest restore that is recorded', async () => {
    const [older, newest] = [uuidv7(), uuidv7()];
    mkdirSync(join(backups, 'restores'));
    for (const id of [newest, older]) writeFileSync(join(backups, 'restores', `${id}.json`), '{}');
    const { code, output } = await run('restore', ['--reconcile', '--json']);
    expect([code, JSON.parse(output)]).toMatchObject([0, { id: newest, status: 'done', result: { reconciled: 5 } }]);
    expect(await run('restore', ['--reconcile', older])).toMatchObject({
      code: 0,
      output: expect.stringContaining('5'),
    });
  });
});
