// A bucket with versions: what is deleted or overwritten there by accident comes back, what has aged out is gone for good.
import { DeleteObjectCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { type Manifest, manifestKey } from '../../activities/backup/manifest';
import { prune } from '../../activities/backup/prune';
import { readCatalogue } from '../../activities/backup/sets';
import { findFaults } from '../../activities/backup/verify';
import { readRepository } from '../../ops/pgbackrest/info';
import { findRecoveryTools } from '../../ops/recovery/tools';
import { readConfiguration } from '../../ops/runtime/configuration';
import { collect } from '../support/collect';
import { type S3Server, startS3Server } from '../support/s3-server';
import { BackupService } from './backup-service';

const attempt = { signal: new AbortController().signal, show: () => {} };
const LONG_AGO = new Date(0);
const PREFIX = 'countersign';

let s3: S3Server;
let bucket: string;
let service: BackupService;

describe('in a bucket with versions', () => {
  beforeAll(async () => {
    s3 = await startS3Server({ tls: true });
    bucket = await s3.createBucket({ versioned: true });
    service = await BackupService.start({ BACKUP_URL: `s3://${bucket}/${PREFIX}`, ...s3.environment });
    await service.startWorker();
  });
  afterAll(async () => {
    await service?.close();
    await s3?.stop();
  });

  const catalogue = () => readCatalogue(service.tools, attempt.signal);
  const versionsBelow = (prefix: string) => collect(service.tools.backups.versions(prefix));

  test('sets are made and sound', async () => {
    expect(await service.run('full')).toMatchObject({ status: 'done', result: { kind: 'full' } });
    expect(await service.run('incr')).toMatchObject({ status: 'done', result: { kind: 'incr' } });
    const [first, second] = (await service.sets()) as [Manifest, Manifest];
    expect(await findFaults(service.tools, [first], second, LONG_AGO, attempt)).toMatchObject({ own: [], older: [] });
  });

  test('a manifest that somebody deletes hides its set, and pruning leaves what it names until it ages out', async () => {
    const [first, second] = (await service.sets()) as [Manifest, Manifest];
    const client = s3.client();
    const Key = `${PREFIX}/${manifestKey(second.id)}`;
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    const { sets, shadows } = await catalogue();
    expect([sets.map(({ id }) => id), shadows]).toEqual([
      [first.id],
      [{ id: second.id, labels: [second.postgres?.label] }],
    ]);
    // A day later, when an unfinished one would be swept.
    const now = new Date(Date.now() + 2 * 86_400_000);
    await prune(service.tools, await catalogue(), { before: LONG_AGO, now }, attempt);
    const { DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: Key }));
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId: DeleteMarkers[0]?.VersionId }));
    client.destroy();
    expect((await service.sets()).map(({ id }) => id)).toEqual([first.id, second.id]);
    expect(await findFaults(service.tools, [first], second, LONG_AGO, attempt)).toMatchObject({ own: [], older: [] });
  });

  test('what has aged out is gone in all its versions', async () => {
    const [first, second] = (await service.sets()) as [Manifest, Manifest];
    for (const _ of [1, 2]) expect((await service.run('full')).status).toBe('done');
    const now = new Date(Date.now() + 40 * 86_400_000);
    const { pruned } = await prune(service.tools, await catalogue(), { before: now, now }, attempt);
    expect(pruned).toEqual([first.id, second.id]);
    for (const { id, postgres } of [first, second]) {
      expect(await versionsBelow(`sets/${id}/`)).toEqual([]);
      expect(await versionsBelow(`pgbackrest/backup/countersign/${postgres?.label}/`)).toEqual([]);
    }
    const info = await readRepository(service.tools.pgbackrest);
    expect(info.backup).toHaveLength(2);
    const oldest = info.backup[0]?.archive.start ?? '';
    const segments = (await versionsBelow('pgbackrest/archive/')).flatMap(
      ({ key }) => /\/([0-9A-F]{24})-/.exec(key)?.[1] ?? [],
    );
    expect(segments.length).toBeGreaterThan(0);
    expect(segments.filter((segment) => segment < oldest)).toEqual([]);
    const sets = await service.sets();
    const faults = await findFaults(service.tools, sets.slice(0, -1), sets.at(-1) as Manifest, LONG_AGO, attempt);
    expect(faults).toMatchObject({ own: [], older: [] });
  });

  test('credentials that are refused are told as such', async () => {
    const secret = process.env.AWS_SECRET_ACCESS_KEY;
    process.env.AWS_SECRET_ACCESS_KEY = 'expired';
    const { tools } = await findRecoveryTools(readConfiguration(service.host.environment));
    const run = service.with(tools).activities();
    const request = { setId: '20260101T000000Z', startedAt: new Date().toISOString(), kind: 'full' } as const;
    const refused = { type: 'credentials_refused', message: expect.stringContaining('AWS_'), nonRetryable: false };
    await expect(run(({ storeFiles }) => storeFiles(request))).rejects.toMatchObject(refused);
    // pgBackRest alone, as where the SDK still has a session.
    await expect(tools?.pgbackrest.run('check')).rejects.toThrow(/403|Forbidden|AccessDenied|Signature/);
    process.env.AWS_SECRET_ACCESS_KEY = secret;
    service.tools.pgbackrest.configure();
  });
});
