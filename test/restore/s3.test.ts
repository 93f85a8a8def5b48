// Backups in a bucket that keeps versions, over TLS: made, restored, and restored after all of them were deleted or overwritten.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { uuidv7 } from 'uuidv7';
import { sideBySide } from '../../activities/backup/side-by-side';
import { withCluster } from '../../activities/restore/cluster';
import { openBackups } from '../support/backups';
import { collect } from '../support/collect';
import { type S3Server, startS3Server } from '../support/s3-server';
import { inLongRuns } from '../support/servers';
import { makeDatabaseSet } from './database-set';
import { query, RestoringHost } from './restoring-host';

const before = { ...process.env };
const PREFIX = 'some/prefix';
let s3: S3Server;
let bucket: string;
let place: RestoringHost;

beforeAll(async () => {
  s3 = await startS3Server({ tls: true });
  bucket = await s3.createBucket({ versioned: true });
  place = await RestoringHost.start({ ...s3.environment, BACKUP_URL: `s3://${bucket}/${PREFIX}` });
});
afterAll(async () => {
  await place?.close();
  process.env = before;
  await s3?.stop();
});

/** @returns its exit code and all that it printed */
const bringBack = (time: Date, environment = s3.environment) =>
  promisify(execFile)(
    process.execPath,
    [join(__dirname, '..', '..', 'dist', 'ops', 'recovery', 'bring-back-versions.js'), '--before', time.toISOString()],
    { env: { PATH: process.env.PATH, ...environment, BACKUP_URL: place.tools.settings.BACKUP_URL } },
  ).then(
    ({ stdout, stderr }) => ({ code: 0, said: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code: Number(code), said: `${stdout}${stderr}` }),
  );

async function principalsRestored(): Promise<string[]> {
  const restoring = await place.bring({ from: 'latest' });
  const rows = await withCluster(place.tools, `data-${restoring.restoreId}`, (url) =>
    query<{ name: string }>(url, `SELECT name FROM principals WHERE name LIKE 'commit%' ORDER BY name`),
  );
  await place.run(place.steps.discardRestored, restoring.restoreId);
  return rows.map(({ name }) => name);
}

const commit = (name: string) => place.sql('INSERT INTO principals (id, name) VALUES ($1, $2)', [uuidv7(), name]);

/** By somebody with the rights of the worker: every second object is deleted, all others are overwritten, some again and again. */
async function attack(): Promise<number> {
  const client = s3.client();
  const keys: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken }));
    keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken);
  const strike = async ([index, Key]: [number, string]) => {
    if (index % 2 === 1) await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'gone' }));
    if (index % 2 === 0 || index % 3 === 0) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
  };
  await sideBySide(keys.entries(), 8, strike, new AbortController().signal);
  client.destroy();
  return keys.length;
}

inLongRuns('a backup in a bucket is restored, also after everything in it was deleted or overwritten', async () => {
  await makeDatabaseSet(place.tools);
  await commit('commit 1');
  expect(await principalsRestored()).toEqual(['commit 1']);

  // Versions know whole seconds.
  await delay(1_100);
  const time = new Date();
  await delay(1_100);
  const attacked = await attack();
  await expect(place.run(place.steps.preflightRestore, { from: 'latest' })).rejects.toMatchObject({
    details: ['refused'],
  });
  const { code, said } = await bringBack(time);
  expect({ code, said }).toMatchObject({ code: 0 });
  const [, undeleted, overwritten] = /(\d+) that had been deleted, (\d+) that had been overwritten/.exec(said) ?? [];
  expect(Number(undeleted) + Number(overwritten)).toBe(attacked);
  expect(await bringBack(time)).toMatchObject({ code: 0, said: expect.stringContaining('0 that had been deleted, 0') });
  expect(await principalsRestored()).toEqual(['commit 1']);
  expect((await collect(openBackups(place.tools.settings.BACKUP_URL).list('sets/'))).length).toBe(1);
});

test('credentials that are refused are told as such', async () => {
  const wrong = { ...s3.environment, AWS_SECRET_ACCESS_KEY: 'another' };
  expect(await bringBack(new Date(), wrong)).toMatchObject({
    code: 3,
    said: expect.stringMatching(/credentials_refused/),
  });
  Object.assign(process.env, wrong);
  const steps = place.stepsWith({ backups: openBackups(place.tools.settings.BACKUP_URL) });
  await expect(place.run(steps.preflightRestore, { from: 'latest' })).rejects.toMatchObject({
    type: 'credentials_refused',
    details: ['refused'],
    message: expect.stringMatching(/renew AWS_\*/),
  });
  Object.assign(process.env, s3.environment);
});
