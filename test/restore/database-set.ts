// A set with nothing but the database in it.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Manifest, toSetId, writeManifest } from '../../activities/backup/manifest';
import { endOf, readRepository } from '../../ops/pgbackrest/info';
import type { RecoveryTools } from '../../ops/recovery/tools';

export async function makeDatabaseSet(tools: RecoveryTools, kind: 'full' | 'incr' = 'full'): Promise<Manifest> {
  const { pgbackrest, backups, signer } = tools;
  const startedAt = new Date();
  await pgbackrest.run('stanza-create');
  await pgbackrest.run('backup', [`--type=${kind}`]);
  const info = await readRepository(pgbackrest);
  const backup = info.backup.at(-1);
  if (!backup) throw new Error('no backup');
  // Whoever commits from now on commits after it.
  await delay(Math.max(Date.parse(endOf(backup)) - Date.now(), 0));
  const manifest: Manifest = {
    format: 1,
    id: toSetId(startedAt),
    kind,
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    release: 'test',
    schema: '',
    audit: null,
    ledger: 0,
    rows: { drafts: 0 },
    postgres: {
      label: backup.label,
      version: info.db.at(-1)?.version ?? '',
      systemId: String(info.db.at(-1)?.['system-id']),
      size: backup.info.size,
      repositorySize: backup.info.repository.size,
      sha256: createHash('sha256').digest('hex'),
      wal: backup.archive,
      stoppedAt: endOf(backup),
    },
    redis: null,
    files: null,
  };
  await writeManifest(backups, signer, manifest);
  return manifest;
}
