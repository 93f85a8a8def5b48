// Tries what only the database's host has: pgBackRest, the clusters' folder, archiving, space.
import { statfs } from 'node:fs/promises';
import { isStartedByLink, NOT_BY_LINK } from '../local/postmaster';
import { readArchivingRecord } from '../pgbackrest/archiving-record';
import { findRecoveryTools, type RecoveryTools } from '../recovery/tools';
import type { Configuration } from '../runtime/configuration';
import { type Finding, failed, ok, skipped, warning } from './finding';

const GIB = 1024 ** 3;
const LEAST_FREE = 2 * GIB;

export async function checkHost(settings: Configuration): Promise<Finding[]> {
  if (settings.POSTGRES_KEPT_BY === 'provider') {
    return [
      settings.BACKUP_PASSPHRASE
        ? ok('Backups: files and Redis', 'the provider keeps the database')
        : warning('Backups: files and Redis', 'BACKUP_PASSPHRASE is not set', 'set it, or nothing is backed up'),
    ];
  }
  if (!settings.POSTGRES_HOME) {
    return [skipped('Backups from this host', 'POSTGRES_HOME is not set: another host has to make them')];
  }
  const found = await findRecoveryTools(settings);
  if (!found.tools) return [failed('Backups: tools', found.missing, 'see the sentence before, and docs/backup.md')];
  const { tools } = found;
  return [
    ok('Backups: tools', `pgBackRest and PostgreSQL ${tools.host.major}`),
    isStartedByLink(tools.host.home)
      ? failed('Backups: how PostgreSQL runs', 'by the link `current`', NOT_BY_LINK)
      : ok('Backups: how PostgreSQL runs', 'from its own folder'),
    await checkArchiving(tools),
    await checkSpace(tools.host.home),
    settings.POSTGRES_START
      ? ok('Restores: POSTGRES_START', 'set')
      : warning(
          'Restores: POSTGRES_START',
          'not set',
          'set the command that starts PostgreSQL, or a restore waits until somebody does',
        ),
  ];
}

async function checkArchiving({ backups }: Pick<RecoveryTools, 'backups'>): Promise<Finding> {
  const record = await readArchivingRecord(backups);
  if (record?.state === 'ok')
    return ok('Backups: archiving', `segment ${record.newestSegment} was archived and read back`);
  const found = record ? (record.reason ?? record.state) : 'no worker on this host has looked within 5 minutes';
  return warning(
    'Backups: archiving',
    found,
    'start the worker here, wait a minute after a change, and see docs/backup.md, "The way of the log"',
  );
}

/** A restore lies beside the living cluster. */
async function checkSpace(home: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  const found = `${(free / GIB).toFixed(1)} GiB free below POSTGRES_HOME`;
  return free >= LEAST_FREE
    ? ok('Backups: space', found)
    : warning(
        'Backups: space',
        found,
        'make room: a restored database lies beside the living one until its undo has lapsed',
      );
}
