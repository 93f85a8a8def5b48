// What stands in the way of a backup has a code and a remedy, over whole backups.
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestOf } from '../../activities/backup/postgres';
import { findRecoveryTools } from '../../ops/recovery/tools';
import { readConfiguration } from '../../ops/runtime/configuration';
import { newFolder } from '../support/environment';
import { BackupService, filesBelow } from './backup-service';

const REQUEST = { setId: '20260101T000000Z', startedAt: new Date().toISOString(), kind: 'full' } as const;

const canMount = process.platform === 'linux' && process.getuid?.() === 0;
let service: BackupService;
/** In place of the archive command, from the next start of PostgreSQL on. */
let broken: string | null = null;
describe('in the way of a backup stands', () => {
  beforeAll(async () => {
    service = await BackupService.start({}, { archive: (command) => broken ?? command });
    await service.startWorker();
  });
  afterAll(() => service?.close());

  (canMount ? test : test.skip)('the disk is full', async () => {
    const folder = newFolder('small');
    chmodSync(folder, 0o711);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=0711', 'tmpfs', folder]);
    try {
      const environment = { ...service.host.environment, BACKUP_URL: `file://${folder}` };
      const { tools } = await findRecoveryTools(readConfiguration(environment));
      const run = service.with(tools).activities();
      await expect(run(({ storePostgres }) => storePostgres(REQUEST))).rejects.toMatchObject({
        type: 'disk_full',
        nonRetryable: false,
      });
    } finally {
      service.tools.pgbackrest.configure();
      execFileSync('umount', ['--lazy', folder]);
    }
  });

  test('an archive command that is broken though pgBackRest is not', async () => {
    const startWith = async (command: string | null) => {
      broken = command;
      await service.host.server.stop();
      await service.host.server.startAgain();
    };
    await startWith('/nowhere/pgbackrest archive-push "%p"');
    const run = service.activities();
    await expect(run(({ storePostgres }) => storePostgres(REQUEST))).rejects.toMatchObject({
      type: 'log_not_archived',
      message: expect.stringContaining('archive_command'),
      nonRetryable: false,
    });
    await startWith(null);
  });

  test('a repository that is gone is no new one as long as sets name it', async () => {
    expect((await service.run('full')).status).toBe('done');
    renameSync(join(service.folder, 'pgbackrest'), join(service.folder, 'aside'));
    expect((await service.run('full')).problem).toMatchObject({ code: 'repository_missing' });
    renameSync(join(service.folder, 'pgbackrest'), join(service.folder, 'aside-too'));
    renameSync(join(service.folder, 'aside'), join(service.folder, 'pgbackrest'));
  });

  test('what an incremental one is built on is damaged: it fails, the next is full and stands, and tells until that is healed', async () => {
    const label = (await service.sets()).at(-1)?.postgres?.label ?? '';
    const [victim = ''] = filesBelow(service.folder).filter((file) => file.includes(`/${label}/pg_data/base/`));
    const sound = readFileSync(victim);
    const damaged = Buffer.from(sound);
    damaged[40] = (damaged[40] ?? 0) ^ 1;
    writeFileSync(victim, damaged);
    const count = (await service.sets()).length;
    const failed = await service.run('incr');
    expect(failed.problem).toMatchObject({
      code: 'verification_failed',
      message: expect.stringContaining('pg_data/base'),
    });
    expect((await service.sets()).length).toBe(count);
    const next = await service.run('incr');
    expect(next).toMatchObject({ problem: { code: 'older_backups_damaged' }, result: { kind: 'full' } });
    expect((await service.sets()).length).toBe(count + 1);
    expect((await service.run('incr')).problem).toMatchObject({ code: 'older_backups_damaged' });
    writeFileSync(victim, sound);
    expect(await service.run('incr')).toMatchObject({ status: 'done', result: { kind: 'incr' } });
  });

  test('a damaged segment is named', async () => {
    const [segment = ''] = [(await service.sets()).at(-1)?.postgres?.wal.stop];
    const [victim = ''] = filesBelow(service.folder).filter((file) => file.includes(`/${segment}-`));
    const sound = readFileSync(victim);
    const damaged = Buffer.from(sound);
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
    writeFileSync(victim, damaged);
    expect((await service.run('full')).problem).toMatchObject({
      code: 'older_backups_damaged',
      message: expect.stringContaining(`segment ${segment} is damaged`),
    });
    writeFileSync(victim, sound);
  });

  test('a worker that is stopped in order hands its backup on', async () => {
    const handle = await service.start('full');
    await service.untilCopying();
    await service.workers[0]?.stop();
    await service.startWorker();
    expect(await handle.result()).toMatchObject({ kind: 'full' });
  });

  test('a backup that is cancelled leaves no process and no set', async () => {
    const count = (await service.sets()).length;
    const handle = await service.start('full');
    await service.untilCopying();
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    const processes = execFileSync('ps', ['-ww', '-eo', 'args='], { encoding: 'utf8' }).split('\n');
    const { configFile } = service.tools.pgbackrest;
    expect(processes.filter((line) => line.includes(configFile) && line.includes('backup'))).toEqual([]);
    expect((await service.sets()).length).toBe(count);
    expect(await service.run('full')).toMatchObject({ status: 'done' });
    expect(await service.tools.backups.has(manifestOf((await service.sets()).at(-1)?.postgres?.label ?? ''))).toBe(
      true,
    );
  });
});
