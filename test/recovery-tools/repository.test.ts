// pgBackRest as it is driven here: on a real cluster, with a real repository.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findGaps, listArchive, numberOf, segmentName } from '../../ops/pgbackrest/archive';
import { readRepository } from '../../ops/pgbackrest/info';
import { PgBackRestError } from '../../ops/pgbackrest/pgbackrest';
import { readVerification, verifyRepository } from '../../ops/pgbackrest/verification';
import { type RecoveryHost, startRecoveryHost } from '../support/recovery-host';

let host: RecoveryHost;
beforeAll(async () => {
  host = await startRecoveryHost();
});
afterAll(() => host?.server.stop());

test('a backup is made over TCP, listed and verified, and a segment that is missing is named', async () => {
  const { pgbackrest } = host.tools;
  await pgbackrest.run('stanza-create');
  await pgbackrest.run('backup', ['--type=full']);
  await pgbackrest.run('backup', ['--type=incr']);
  const info = await readRepository(pgbackrest);
  expect(info.backup.map(({ type }) => type)).toEqual(['full', 'incr']);
  const verified = await verifyRepository(pgbackrest);
  expect(verified).toMatchObject({ ok: true, faults: [] });
  expect(verified.valid).toEqual(info.backup.map(({ label }) => label));

  const [id = ''] = info.archive.map((archive) => archive.id);
  const { segments } = await listArchive(pgbackrest, id);
  const [first, last] = [segments[0], segments.at(-1)].map((segment) => segment?.name ?? '') as [string, string];
  expect(segments.length).toBeGreaterThan(3);
  expect(findGaps(segments, first, last)).toEqual([]);

  const folder = join(
    host.environment.BACKUP_URL?.slice('file://'.length) ?? '',
    'pgbackrest',
    'archive',
    'countersign',
    id,
  );
  const [log = ''] = readdirSync(folder);
  const victim = segments[2]?.name ?? '';
  for (const name of readdirSync(join(folder, log))) if (name.startsWith(victim)) rmSync(join(folder, log, name));
  const { segments: left } = await listArchive(pgbackrest, id);
  expect(findGaps(left, first, last)).toEqual([victim]);
});

test('its exit code tells what is wrong, and an abort ends it', async () => {
  const { pgbackrest } = host.tools;
  await expect(
    pgbackrest.run('restore', [], { options: { 'pg1-path': join(host.server.folder, 'data') } }),
  ).rejects.toThrow(PgBackRestError);
  const abort = AbortSignal.abort(new Error('enough'));
  await expect(pgbackrest.run('backup', ['--type=full'], { signal: abort })).rejects.toThrow('enough');
});

test('segments are counted across log files', () => {
  expect(segmentName(3, numberOf('0000000300000001000000FF') + 1)).toBe('000000030000000200000000');
});

test('words of `verify` that are not known are a failure', () => {
  expect(readVerification('')).toMatchObject({ ok: false });
  expect(readVerification('stanza: countersign\nstatus: fine\n').ok).toBe(false);
});
