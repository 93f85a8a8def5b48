// `ops/backup.sh` and `ops/restore.sh` as an operator or cron runs them, on a host that backs up and restores.
import { type ChildProcess, spawn } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { WrongUsage } from '../../ops/command';
import { backupCommand } from '../../ops/recovery/backup';
import { listRecords, RESTORES } from '../../ops/recovery/records';
import { restoreCommand } from '../../ops/recovery/restore';
import { RestoredService } from '../restore/restored-service';
import { newFolder } from '../support/environment';
import { holdLock } from '../support/lock-holder';
import { runHere } from '../support/run-command';
import { inLongRuns } from '../support/servers';
import { createTestNamespace } from '../support/temporal';
import { until } from '../support/until';

const ROOT = join(__dirname, '..', '..');
/** As cron has it. */
const BARE = { PATH: '/usr/bin:/bin', NODE: process.execPath };

let service: RestoredService;
beforeAll(async () => {
  service = await RestoredService.start();
});
afterAll(() => service?.close());

function environment(): Record<string, string> {
  const { TEMPORAL_ADDRESS = '', TEMPORAL_NAMESPACE = '', BACKUP_URL = '', SECRET_KEY = '' } = service.base.environment;
  return { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, BACKUP_URL, SECRET_KEY };
}

interface Run {
  child: ChildProcess;
  output(): string;
  errors(): string;
  ended: Promise<number | null>;
}

function begin(script: string, args: string[], env: Record<string, string> = environment()): Run {
  const child = spawn(script.startsWith('/') ? script : join(ROOT, 'ops', `${script}.sh`), args, {
    cwd: '/',
    env: { ...BARE, ...env },
  });
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

/** In this process. */
const call = (script: 'backup' | 'restore', args: string[], env: Record<string, string> = environment()) =>
  runHere(script === 'backup' ? backupCommand : restoreCommand, args, env);

async function run(script: string, args: string[], options: { env?: Record<string, string>; answer?: string } = {}) {
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
    '--from-s3 takes latest, the id of a set like 20260123T180000Z, or an s3:// or file:// URL without `@`, `?` and `#`, not https://x.',
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

it('ends with 1 and the remedy where Temporal does not answer, and with 3 where no worker has the tools', async () => {
  const other = await createTestNamespace();
  const away = await call('backup', ['--json'], { ...environment(), TEMPORAL_ADDRESS: '127.0.0.1:9' });
  const { namespace } = other;
  const toolless = await call('restore', ['--from-s3', 'latest'], { ...environment(), TEMPORAL_NAMESPACE: namespace });
  const same = await call('backup', ['--json'], { ...environment(), TEMPORAL_NAMESPACE: namespace });
  await other.close();
  expect([away.code, JSON.parse(away.output).problem.code]).toEqual([1, 'not_running']);
  expect(away.errors).toContain("Countersign isn't running");
  expect([toolless.code, toolless.errors]).toEqual([3, expect.stringContaining('apt install pgbackrest')]);
  expect([same.code, JSON.parse(same.output).problem.code]).toEqual([3, 'backups_unavailable']);
});

describe('ops/backup.sh', () => {
  it('lists what there is without anything that runs', async () => {
    const { TEMPORAL_ADDRESS: _, ...alone } = environment();
    const none = await call('backup', ['--list'], alone);
    expect(none).toMatchObject({ code: 0, output: expect.stringContaining('There is no backup under file://') });
  });

  it('tells each step in plain lines, and ends with 0', async () => {
    const { code, output, errors } = await run('backup', ['--db', '--redis', '--type', 'incr']);
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(
        /^Backup \d{8}T\d{6}Z is done, after \d+ s: full, [\d.]+ MB backed up, [\d.]+ MB added, \d+ segments of the log checked\.\n$/,
      ),
    ]);
    const lines = errors.trim().split('\n');
    expect(lines[0]).toMatch(/^Backup \d{8}T\d{6}Z$/);
    const ended = lines.filter((line) => line.includes(': done after'));
    expect(ended.map((line) => line.replace(/\d+ s/, '… s'))).toEqual(
      expect.arrayContaining(['  PostgreSQL: done after … s', '  Redis: done after … s']),
    );
    expect(lines).toContain('· PostgreSQL');
  });

  it('leaves the backup running when it is interrupted, and follows it again', async () => {
    const lock = await holdLock(service.base.temporal);
    const first = begin('backup', ['--files']);
    await until('it has begun', () => /^Backup \S+$/m.test(first.errors()));
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(130);
    const [, id = ''] = /To follow it again: ops\/backup\.sh --follow (\S+)/.exec(first.errors()) ?? [];
    const again = begin('backup', ['--follow', id, '--json']);
    await lock.release();
    await lock.end();
    expect(await again.ended).toBe(0);
    expect(again.errors()).toContain('· files');
    expect(JSON.parse(again.output())).toMatchObject({ id, status: 'done', result: { kind: 'full' }, problem: null });
  });

  it('is refused with 3 and the holder under --no-wait, and makes no set', async () => {
    const lock = await holdLock(service.base.temporal);
    const before = (await call('backup', ['--list', '--json'])).output;
    const { code, errors } = await run('backup', ['--files', '--no-wait']);
    expect([code, errors]).toEqual([
      3,
      expect.stringMatching(/refused \(operations_busy\): backup \(backup-of-a-test\)/),
    ]);
    await lock.release();
    await lock.end();
    expect((await call('backup', ['--list', '--json'])).output).toBe(before);
    expect((await call('backup', ['--files', '--no-wait'])).code).toBe(0);
  });

  it('says that there is no such backup', async () => {
    const unknown = await call('backup', ['--follow', '20200101T000000Z']);
    expect([unknown.code, unknown.errors]).toEqual([1, expect.stringContaining('there is none that Temporal knows')]);
  });
});

describe('ops/restore.sh', () => {
  const newestSet = async () => {
    const { output } = await call('backup', ['--list', '--json']);
    return (JSON.parse(output) as { id: string; parts: string[] }[]).findLast(({ parts }) => parts.includes('postgres'))
      ?.id;
  };
  const idIn = (text: string) => /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/.exec(text)?.[0] ?? '';

  it('ends with 3 and the reason where the preflight refuses', async () => {
    const { code, errors } = await call('restore', ['--before', 'nothing', '--yes']);
    expect([code, errors]).toEqual([3, expect.stringContaining('is refused')]);
    expect(errors).toContain('(no_restore_point): ');
  });

  it('tells how the time was understood, shows the plan, asks, and switches on yes', async () => {
    const env = { ...environment(), TZ: 'Europe/Berlin' };
    const waiting = await service.base.submitForReview('waiting@example.org');
    const set = await newestSet();
    const seconds = Math.floor(Date.now() / 1000) + 1;
    await until('that second has passed', () => Date.now() > (seconds + 1) * 1000);
    const later = await service.base.submitForReview('later@example.org');
    const local = new Date(seconds * 1000).toLocaleString('sv', { timeZone: 'Europe/Berlin' });
    const { code, output, errors } = await run('restore', ['--pitr', local], { answer: 'maybe\nyes\n', env });
    const utc = new Date(seconds * 1000).toISOString().replace('.000', '');
    expect(errors).toContain(`Restoring to ${local} Europe/Berlin, which is ${utc}.`);
    expect(errors).toContain(`from        set ${set}, timeline 1`);
    expect(errors).toContain('switch to the restored database? [yes/no]');
    expect([code, output]).toEqual([0, expect.stringContaining('is done after')]);
    expect(output).toMatch(/^No mail leaves until you have looked at what was lost: ops\/restore.sh --lost$/m);
    expect((await service.base.draft(waiting.id)).status).toBe('pending_review');
    await expect(service.base.draft(later.id)).rejects.toThrow('No such draft');
  });

  it('tells what was lost, in words or as a document, and brings it back', async () => {
    const { code, output } = await call('restore', ['--lost']);
    expect(code).toBe(0);
    expect(output).toMatch(/ had been acknowledged, and is gone:\n {7}1 {2}drafts that were made or went on\n/);
    expect(output).toContain('That is everything.');
    expect(output).toMatch(/^[\da-f-]{36} {2}pending_review {6}-$/m);
    const document = JSON.parse((await call('restore', ['--lost', '--json'])).output);
    expect(document).toMatchObject({ complete: true, drafts: [{ was: { status: 'pending_review' }, is: null }] });
    const [{ id }] = document.drafts;
    const first = await call('restore', ['--reconcile', '--json']);
    const reconciled = JSON.parse(first.output);
    expect([first.code, reconciled]).toMatchObject([0, { status: 'done', result: { drafts: 1 } }]);
    expect((await service.base.draft(id)).status).toBe('pending_review');
    for (const act of ['--reconcile', '--accept-loss']) {
      const again = await call('restore', [act]);
      expect([again.code, again.errors]).toEqual([3, expect.stringContaining('(already_settled): ')]);
    }
  });

  it('lets nothing out for a restore that is not in effect any more', async () => {
    const [first = ''] = await listRecords(service.tools.backups, RESTORES);
    const { code } = await call('restore', ['--undo']);
    expect(code).toBe(0);
    for (const act of ['--reconcile', '--accept-loss']) {
      const refused = await call('restore', [act, first]);
      expect([refused.code, refused.errors]).toEqual([3, expect.stringContaining('(not_in_effect): ')]);
    }
    expect(await service.base.database.db.lane.findMany({ where: { held: false } })).toEqual([]);
    expect((await call('restore', ['--accept-loss'])).output).toMatch(
      /^What restore [\da-f-]{36} has lost is given up\. Mail is sent again\.$/m,
    );
  });

  inLongRuns('gives it up on no, and one that runs keeps another from beginning', async () => {
    const first = begin('restore', ['--from-s3', 'latest']);
    await until('it asks', () => first.errors().includes('[yes/no]'));
    const second = await call('restore', ['--from-s3', 'latest', '--dry-run', '--json']);
    expect([second.code, JSON.parse(second.output).problem.code]).toEqual([3, 'restore_running']);
    first.child.stdin?.end('no\n');
    expect(await first.ended).toBe(1);
    expect(first.errors()).toContain('is aborted');
  });

  inLongRuns('waits where nobody answers, and is confirmed or aborted later', async () => {
    const left = await run('restore', ['--from-s3', (await newestSet()) as string, '--json']);
    expect([left.code, JSON.parse(left.output).problem.code]).toEqual([1, 'unanswered']);
    const id = idIn(left.errors);
    expect(await call('restore', ['--follow', id, '--yes'])).toMatchObject({ code: 0 });
    expect(await call('restore', ['--abort', id])).toMatchObject({
      code: 1,
      errors: expect.stringContaining("can't be given up"),
    });
  });
});
