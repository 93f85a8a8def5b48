// Each command of every runbook as it stands there; and, in long runs, those of the runbooks carried out on an installation.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteObjectsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { startS3Server } from '../support/s3-server';
import { isLongRun } from '../support/servers';
import { until } from '../support/until';
import { carryOutErasureRunbook } from './erasure-runbook';
import { ownFolder } from './folder';
import { OwnInstallation } from './own-installation';
import { blocksOf, commandsOf, RUNBOOKS } from './runbooks';

const WRONG_USAGE = 2;
const { PATH, HOME } = process.env;
const [DR = ''] = RUNBOOKS;
const commands = commandsOf(DR);

it('has the commands of every scenario', () => {
  expect(commands.length).toBeGreaterThan(12);
  expect(commands.filter((line) => /--before|bring-back-versions/.test(line))).toHaveLength(2);
});

it.each(RUNBOOKS.flatMap((runbook) => blocksOf(runbook).map((block, i) => [runbook, i + 1, block] as const)))(
  '%s: a shell takes block %i',
  (_runbook, _number, block) => {
    // Three dots and `<…>` are for the reader.
    const { status, stderr } = spawnSync('sh', ['-n'], {
      input: block.replaceAll(/<[^>\n]*>/g, 'x'),
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  },
);

/** Nobody answers there, so it comes as far as its connection and no further. */
it.each(RUNBOOKS.flatMap(commandsOf))('%s is called as it says', (command) => {
  const env = {
    PATH,
    HOME,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    BACKUP_URL: `file://${ownFolder()}`,
    SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
    DATABASE_URL: 'postgresql://127.0.0.1:1/nothing',
  };
  const { status, stderr } = spawnSync('sh', ['-c', command], { cwd: PACKAGE_ROOT, env, encoding: 'utf8' });
  expect({ status, stderr }).not.toMatchObject({ status: WRONG_USAGE });
  expect(stderr).not.toMatch(/not found|Cannot find|unexpected/);
});

if (isLongRun) describe('on an installation', onAnInstallation);

function onAnInstallation(): void {
  let here: OwnInstallation;
  const run = (command: string, input = '') => here.run(command, { input });
  const demo = () => here.demo();
  /** As it is printed, with what stands there for the reader to fill in. */
  const printed = (part: string, [from, to]: [RegExp, string]) => {
    const command = commands.find((line) => line.includes(part)) ?? '';
    expect(command).toMatch(from);
    return command.replace(from, to);
  };
  const aMoment = async () => {
    const moment = new Date().toISOString();
    await until('it has passed', () => Date.now() > Date.parse(moment) + 2_000 || null);
    return moment;
  };

  beforeAll(async () => {
    here = await OwnInstallation.start();
  });
  afterAll(() => here?.stop(), 60_000);

  it(
    'erases a person under a hold, to their certificate, and exports another',
    () => carryOutErasureRunbook(here),
    300_000,
  );

  it('goes back to a moment, tells what was lost, brings it back, and undoes it', async () => {
    demo();
    run('ops/backup.sh');
    const moment = await aMoment();
    demo();
    run(printed('--dry-run', [/2026-01-23 18:00:00/, moment]));
    run(`ops/restore.sh --pitr "${moment}"`, 'yes\n');
    expect(JSON.parse(run('ops/restore.sh --lost --json'))).toMatchObject({ complete: true, sent: 1 });
    run('ops/restore.sh --reconcile');
    demo();
    run('ops/restore.sh --undo');
    run('ops/restore.sh --lost');
    run('ops/restore.sh --accept-loss');
    demo();
    run('ops/backup.sh --type full');
    expect(run('ops/backup.sh --list').trim().split('\n')).toHaveLength(3);
    expect(run('ops/restore.sh --drill')).toMatch(/^PROVEN/);
    // Nothing holds mail.
    here.run('ops/restore.sh --adopt --moved', { input: 'yes\n', code: 3 });
  });

  it('goes back to before an operation, and is refused for one that has never been', async () => {
    const printedAsIs = commands.find((line) => line.includes('--before') && line.startsWith('ops/')) ?? '';
    here.run(printedAsIs, { code: 3 });
    const api = `http://localhost:${here.env.PORT}/api/gdpr`;
    const admin = `-H "X-Admin-Token: ${here.read('settings.json').ADMIN_PASSWORD}" -H "Content-Type: application/json"`;
    const asked = run(`curl -s ${api}/erasures ${admin} -d '{"email": "ada@customer.example", "grace": "PT0S"}'`);
    const { requestId } = JSON.parse(asked);
    await until(
      'she is erased',
      () => JSON.parse(run(`curl -s ${api}/erasures/${requestId} ${admin}`)).status === 'certified' || null,
    );
    run(printed('restore.sh --before', [/[0-9a-f-]{36}/, requestId]), 'yes\n');
    run('ops/restore.sh --lost');
    run('ops/restore.sh --reconcile');
    demo();
  });

  it('holds mail where the folder of PostgreSQL was put back by hand, and goes on once it is adopted', async () => {
    const folder = join(here.folder, '.countersign', 'postgres');
    await here.stop();
    spawnSync('cp', ['-Rp', folder, `${folder}.kept`]);
    await here.start();
    demo();
    await here.stop();
    rmSync(folder, { recursive: true });
    spawnSync('mv', [`${folder}.kept`, folder]);
    await here.start();
    await until('the terminal says so', () => here.said.includes('Attention: mail is held since') || null);
    run('ops/restore.sh --adopt', 'yes\n');
    run('ops/restore.sh --lost');
    demo();
  });

  it('comes back on an empty machine with the place of the backups and the two secrets alone', async () => {
    const { SECRET_KEY, BACKUP_PASSPHRASE } = here.read('settings.json');
    await here.stop();
    const place = join(ownFolder(), 'bucket');
    cpSync(join(here.folder, '.countersign', 'backups'), place, { recursive: true });
    rmSync(join(here.folder, '.countersign'), { recursive: true });
    Object.assign(here.env, { SECRET_KEY, BACKUP_PASSPHRASE, BACKUP_URL: `file://${place}` });
    run('ops/restore.sh --from-s3 latest --yes');
    expect(existsSync(join(here.folder, '.countersign', 'postgres', 'current'))).toBe(true);
    await here.start();
    run('ops/restore.sh --reconcile');
    demo();
  });

  it('brings an attacked bucket back', async () => {
    const s3 = await startS3Server({ tls: true });
    try {
      const bucket = await s3.createBucket({ versioned: true });
      await here.stop();
      rmSync(join(here.folder, '.countersign'), { recursive: true });
      Object.assign(here.env, s3.environment, { BACKUP_URL: `s3://${bucket}/countersign` });
      await here.start();
      run('ops/backup.sh');
      const moment = await aMoment();
      const client = s3.client();
      const { Contents = [] } = await client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: 'countersign/sets' }),
      );
      const Objects = Contents.map(({ Key }) => ({ Key }));
      await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
      client.destroy();
      expect(run('ops/backup.sh --list')).toContain('There is no backup');
      run(printed('bring-back-versions', [/2026-01-23T18:00:00Z/, moment]));
      expect(run('ops/backup.sh --list')).toMatch(/full/);
      run('ops/backup.sh --type full');
    } finally {
      await here.stop();
      await s3.stop();
    }
  });
}
