// What can't be restored is refused: by a code, with the remedy, and with nothing touched. On a whole set of a real backup.
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { createEncryption } from '../../activities/backup/encryption';
import { readIndex } from '../../activities/backup/file-index';
import { type Manifest, manifestKey, readManifest, toSetId, writeManifest } from '../../activities/backup/manifest';
import { openLedger } from '../../activities/erasure-ledger/ledger';
import { recordKey } from '../../activities/restore/records';
import { restorePointKey } from '../../activities/restore-points';
import { findPgBackRest } from '../../ops/local/binaries/pgbackrest';
import { startRedis } from '../../ops/local/redis';
import { createPgBackRest } from '../../ops/pgbackrest/pgbackrest';
import { repositoryOptions } from '../../ops/pgbackrest/repository';
import { putSigned } from '../../ops/runtime/signed-store';
import { createSigner } from '../../ops/runtime/signing';
import type { backup, restore } from '../../workflows';
import { BACKUP_PARTS, backupWorkflowId } from '../../workflows/contracts/backup';
import { progress, type RestoreTarget, restoreWorkflowId } from '../../workflows/contracts/restore';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { filesBelow } from '../backup/backup-service';
import { newFolder } from '../support/environment';
import { OwnServer } from '../support/own-server';
import type { ServiceProcess } from '../support/processes';
import { aRestore } from '../support/restore-record';
import { inLongRuns } from '../support/servers';
import { RestoringHost } from './restoring-host';

let place: RestoringHost;
let redis: OwnServer;
let worker: ServiceProcess;
let folder: string;
let set: Manifest;

beforeAll(async () => {
  redis = await OwnServer.start(startRedis, 'own-redis');
  place = await RestoringHost.start({ REDIS_URL: redis.url });
  worker = place.startWorker();
  folder = (place.host.environment.BACKUP_URL ?? '').slice('file://'.length);
  for (const content of ['one', 'another']) await keepFile(content);
  set = await backUp();
});
afterAll(async () => {
  await place?.close();
  await redis?.stop();
});

async function keepFile(content: string): Promise<void> {
  const sha256 = Buffer.from(content).toString('hex').padEnd(64, '0');
  await place.sql(
    `INSERT INTO attachments (id, uploader_id, name, type, size, sha256, created_at)
     VALUES ($1, $1, 'a file', 'text/plain', $2, $3, clock_timestamp())`,
    [uuidv7(), content.length, sha256],
  );
  await place.tools.files.put(`attachments/${sha256}`, Buffer.from(content));
}

async function backUp(): Promise<Manifest> {
  const setId = toSetId(new Date());
  await place.temporal.client.workflow.execute<typeof backup>('backup', {
    workflowId: backupWorkflowId(setId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ setId, kind: 'full', parts: [...BACKUP_PARTS] }],
  });
  return (await readManifest(place.tools.backups, place.tools.signer, setId)) as Manifest;
}

type Steps = Pick<RestoringHost['steps'], 'preflightRestore'>;

/** By the preflight. */
async function expectRefused(
  code: string,
  remedy: RegExp,
  { target = { from: 'latest' }, steps = place.steps }: { target?: RestoreTarget; steps?: Steps } = {},
): Promise<void> {
  const before = await place.untouched();
  const refused = await place.run(steps.preflightRestore, target).then(
    () => null,
    (error) => error,
  );
  expect({ code: refused?.type, message: refused?.message, kind: refused?.details?.[0] }).toEqual({
    code,
    message: expect.stringMatching(remedy),
    kind: 'refused',
  });
  expect(await place.untouched()).toEqual(before);
}

const below = (part: string) => filesBelow(folder).filter((file) => file.includes(part));

/** While one byte in its middle is another. */
async function flipped(file: string, work: () => Promise<void>): Promise<void> {
  const sound = readFileSync(file);
  const damaged = Buffer.from(sound);
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
  writeFileSync(file, damaged);
  await work().finally(() => writeFileSync(file, sound));
}
async function away(file: string, work: () => Promise<void>): Promise<void> {
  const aside = join(folder, 'aside');
  renameSync(file, aside);
  await work().finally(() => renameSync(aside, file));
}
/** While the set says something else of itself, signed as well. */
async function told(changes: Partial<Manifest>, work: () => Promise<void>): Promise<void> {
  const { backups, signer } = place.tools;
  await writeManifest(backups, signer, { ...set, ...changes });
  try {
    await work();
  } finally {
    await writeManifest(backups, signer, set);
  }
}
const postgres = (changes: object) => ({ postgres: { ...(set.postgres as object), ...changes } }) as Partial<Manifest>;

test('nothing is wrong with a set that is sound', async () => {
  expect(set).toMatchObject({ files: { files: 2 }, redis: { keys: 0 } });
  expect(await place.run(place.steps.preflightRestore, { from: 'latest' })).toMatchObject({ setId: set.id, to: 'end' });
});

describe('one flipped byte', () => {
  test('in a file of the backup', () =>
    flipped(below(`/${set.postgres?.label}/pg_data/base/`)[0] as string, () =>
      expectRefused('broken_backup', new RegExp(`${set.id} is damaged: .*${set.postgres?.label}`)),
    ));
  inLongRuns('in a segment of the log', () =>
    flipped(below(`/${set.postgres?.wal.stop}-`)[0] as string, () =>
      expectRefused(
        'broken_backup',
        new RegExp(`damaged: .*${set.postgres?.wal.stop}.*Choose a target before, or a set after`),
      ),
    ),
  );
  test('in the keys of Redis', () =>
    flipped(join(folder, set.redis?.key ?? ''), () => expectRefused('broken_backup', /redis-keys\.enc is not what/)));
  test('in the list of files', () =>
    flipped(join(folder, set.files?.key ?? ''), () => expectRefused('broken_backup', /files\.json\.enc is not what/)));
  test('in one of the files', async () => {
    const { files } = await readIndex(place.tools, set.files ?? { key: '' });
    const key = files.at(-1)?.key ?? '';
    await flipped(join(folder, key), () =>
      expectRefused('broken_backup', new RegExp(`file ${key} is not what was written\\. Name another set`)),
    );
    await away(join(folder, key), () => expectRefused('broken_backup', new RegExp(`file ${key} is missing`)));
  });
  test('in the manifest', async () => {
    const file = join(folder, manifestKey(set.id));
    const sound = readFileSync(file, 'utf8');
    writeFileSync(file, sound.replace('"release": "', '"release": "x'));
    await expectRefused('broken_manifest', /was changed after it had been signed/);
    writeFileSync(file, sound.replace('{', '['));
    await expectRefused('broken_manifest', /has been damaged\. Name another set/);
    writeFileSync(file, sound);
  });
});

test('a segment that is missing is named', () =>
  away(below(`/${set.postgres?.wal.stop}-`)[0] as string, () =>
    expectRefused('missing_segment', new RegExp(`gap: ${set.postgres?.wal.stop} is missing`)),
  ));

test('another passphrase, and another key', async () => {
  const program = (await findPgBackRest()) ?? '';
  const { host, settings } = place.tools;
  // The one that archives goes on with the right one.
  const home = newFolder('cluster');
  chmodSync(home, 0o711);
  const options = repositoryOptions(settings.BACKUP_URL, 'another passphrase');
  const pgbackrest = createPgBackRest(program, { ...host, home }, options);
  pgbackrest.configure();
  const steps = place.stepsWith({ pgbackrest, encryption: createEncryption('another passphrase') });
  await expectRefused('wrong_passphrase', /another BACKUP_PASSPHRASE/, { steps });
  const signer = createSigner([Buffer.alloc(32, 8)], 'backups');
  await expectRefused('wrong_key', /another SECRET_KEY/, { steps: place.stepsWith({ signer }) });
});

describe('an object that is not ours', () => {
  const plant = async (key: string, content: object, work: () => Promise<void>) => {
    await place.tools.backups.put(key, Buffer.from(JSON.stringify(content)));
    await work().finally(() => place.tools.backups.delete(key));
  };
  const forged = () => aRestore({ state: 'switched', previous: '../../etc' });

  test('as the record of a restore or an adoption', async () => {
    const { id } = forged();
    for (const key of [recordKey(id), `adoptions/${id}.json`]) {
      await plant(key, forged(), () =>
        expectRefused(
          'foreign_object',
          new RegExp(`^${key} under BACKUP_URL is not signed. Bring its own version back`),
        ),
      );
    }
  });

  test('as the record of the restore that is undone, listed or given up: no folder is opened, none is stopped', async () => {
    const record = forged();
    const { restoreId, undoId } = { restoreId: record.id, undoId: uuidv7() };
    const before = await place.untouched();
    const { undoSwitch, listLost, releaseSending } = place.followUp;
    const refused = { type: 'foreign_object', message: expect.stringContaining(recordKey(restoreId)) };
    await plant(recordKey(restoreId), record, async () => {
      await expect(place.run(undoSwitch, { restoreId, undoId })).rejects.toMatchObject(refused);
      await expect(place.run(listLost, restoreId)).rejects.toMatchObject(refused);
      await expect(place.run(releaseSending, { restoreId, acceptLoss: true })).rejects.toMatchObject(refused);
    });
    // Signed, but no folder of our making.
    for (const previous of ['../../etc', 'data/../..', '..', 'pg15', 'data-', '']) {
      await putSigned(place.tools.backups, recordKey(restoreId), { ...record, previous });
      await expect(place.run(undoSwitch, { restoreId, undoId })).rejects.toMatchObject(refused);
    }
    await place.tools.backups.delete(recordKey(restoreId));
    expect(await place.untouched()).toEqual(before);
  });

  test('as a restore point', async () => {
    const id = uuidv7();
    const point = {
      name: `before-${id}`,
      process: 'retention',
      id,
      at: new Date().toISOString(),
      lsn: null,
      timeline: null,
    };
    await plant(restorePointKey(point.name), point, () =>
      expectRefused('foreign_object', /restore-points\/before-.* is not signed/, {
        target: { from: 'latest', before: id },
      }),
    );
  });
});

test('a ledger that lacks an entry which a set knows, or has another in its place', async () => {
  const ledgerHash = '0'.repeat(64);
  await told({ ledger: 1, ledgerHash }, () =>
    expectRefused('broken_ledger', /erasure-ledger\/ lacks a sound entry at position 1, which the set .* knows/),
  );
  const ledger = openLedger(place.tools.settings);
  const { hash } = await ledger.append({
    requestId: uuidv7(),
    subject: [ledgerHash],
    certifiedAt: new Date().toISOString(),
  });
  await told({ ledger: 1, ledgerHash }, () => expectRefused('broken_ledger', /has another entry at position 1/));
  await told({ ledger: 1, ledgerHash: hash }, async () => {
    expect(await place.run(place.steps.preflightRestore, { from: 'latest' })).toMatchObject({ setId: set.id });
  });
});

test('another major version, and too little space', async () => {
  await told(postgres({ version: '14' }), () =>
    expectRefused('other_major_version', /of PostgreSQL 14, and here runs 15: install PostgreSQL 14/),
  );
  await told(postgres({ size: 2 ** 50 }), () =>
    expectRefused('too_little_space', /needs \d+ MB below .* are free: make room/),
  );
  const left = join(place.host.folder, `data-${uuidv7()}`);
  mkdirSync(left);
  await told(postgres({ size: 2 ** 50 }), () =>
    expectRefused('too_little_space', new RegExp(`remove what earlier restores left: ${left}\\.$`)),
  );
  rmSync(left, { recursive: true });
});

test('a target after the last commit, which only its recovery tells', async () => {
  // Nobody commits any more.
  await worker.kill();
  const before = await place.untouched();
  const restoring = await place.bring({ from: 'latest', time: new Date().toISOString() });
  await expect(place.run(place.steps.recoverCluster, restoring)).rejects.toMatchObject({
    type: 'after_last_commit',
    details: ['refused'],
    message: expect.stringMatching(
      /after the last commit that was kept, which was at .*: choose that or an earlier time/,
    ),
  });
  await place.run(place.steps.discardRestored, restoring.restoreId);
  expect(await place.untouched()).toEqual(before);
});

inLongRuns('a schema that is newer than this release, told by the workflow, which leaves nothing behind', async () => {
  worker = place.startWorker();
  await place.sql(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, rolled_back_at)
     VALUES ('newer', '', '29990101000000_newer', now(), NULL), ('undone', '', '29990102000000_undone', now(), now())`,
  );
  const { living, clusters } = await place.untouched();
  const restoreId = uuidv7();
  const handle = await place.temporal.client.workflow.start<typeof restore>('restore', {
    workflowId: restoreWorkflowId(restoreId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ restoreId, target: { from: 'latest' }, yes: true }],
  });
  await expect(handle.result()).rejects.toThrow();
  expect(await handle.query(progress)).toMatchObject({
    status: 'refused',
    problem: {
      code: 'newer_schema',
      message: expect.stringMatching(/newer release \(29990101000000_newer\): restore with that one/),
    },
  });
  expect(await place.untouched()).toMatchObject({ living, clusters });
});
