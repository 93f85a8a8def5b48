// Which timeline of the database's log is the one that lives, and by which way it came there. A restore begins a new one; one
// that was undone is left.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { livingCluster } from '../../ops/local/clusters';
import { numberAt, numberOf, segmentName, timelineOf } from '../../ops/pgbackrest/archive';
import { asClusterUser } from '../../ops/pgbackrest/cluster-host';
import type { RepositoryBackup } from '../../ops/pgbackrest/info';
import { STANZA } from '../../ops/pgbackrest/repository';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { newestRecord } from './records';

/**
 * Null where neither the cluster nor a record tells: the newest there is.
 * @param systemId of the backup: a cluster that was made anew since then is another one
 */
export async function livingTimeline(
  { host, backups }: Pick<RecoveryTools, 'host' | 'backups'>,
  systemId: string,
): Promise<number | null> {
  const data = livingCluster(host.home);
  const cluster = existsSync(join(data, 'PG_VERSION')) ? await readControl(host, data) : null;
  if (cluster?.systemId === systemId) return cluster.timeline;
  return (await newestRecord(backups))?.timeline ?? null;
}

export async function readControl(
  host: RecoveryTools['host'],
  data: string,
): Promise<{ timeline: number; systemId: string }> {
  const text = await printed(host, 'pg_controldata', ['-D', data]);
  const timeline = /^Latest checkpoint's TimeLineID:\s+(\d+)$/m.exec(text)?.[1];
  const systemId = /^Database system identifier:\s+(\d+)$/m.exec(text)?.[1];
  if (!timeline || !systemId) throw new Error('pg_controldata does not tell the timeline');
  return { timeline: Number(timeline), systemId };
}

export interface Stretch {
  timeline: number;
  /** The number of the segment in which the next timeline begins; null for the last. */
  until: number | null;
  /** The position at which it was left. */
  end: bigint | null;
}

/** From the first timeline to this one. */
export async function wayTo(
  pgbackrest: RecoveryTools['pgbackrest'],
  archiveId: string,
  timeline: number,
): Promise<Stretch[]> {
  if (timeline === 1) return [{ timeline, until: null, end: null }];
  const name = `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
  const text = await pgbackrest.run('repo-get', [`archive/${STANZA}/${archiveId}/${name}`]);
  const parents = text
    .split('\n')
    .map((line) => /^(\d+)\t([0-9A-F]+\/[0-9A-F]+)/.exec(line.trim()))
    .filter((found) => found !== null)
    .map(([, parent, lsn = '']) => ({ timeline: Number(parent), until: numberAt(lsn), end: positionOf(lsn) }));
  return [...parents, { timeline, until: null, end: null }];
}

function positionOf(lsn: string): bigint {
  const [log = '0', offset = '0'] = lsn.split('/');
  return (BigInt(`0x${log}`) << 32n) + BigInt(`0x${offset}`);
}

/** Whether a backup leads to where this way leads: one that was made on a timeline after it was left does not. */
export const isOnWay = (
  way: readonly Stretch[],
  { archive, lsn }: Pick<RepositoryBackup, 'archive' | 'lsn'>,
): boolean =>
  way.some(
    ({ timeline, end }) => timeline === timelineOf(archive.stop) && (end === null || positionOf(lsn.stop) <= end),
  );

/** The segments that lead from one to another (its number) by this way. */
export function segmentsAlong(way: readonly Stretch[], from: string, to: number): string[] {
  const names: string[] = [];
  let position = way.findIndex(({ timeline }) => timeline === timelineOf(from));
  for (let number = numberOf(from); number <= to && position >= 0; number++) {
    while (way[position]?.until !== null && number >= (way[position]?.until ?? 0) && way[position + 1]) position++;
    names.push(segmentName(way[position]?.timeline ?? timelineOf(from), number));
  }
  return names;
}

function printed(host: RecoveryTools['host'], program: string, args: string[]): Promise<string> {
  const { command, args: all, ...ids } = asClusterUser(host, join(host.bin, program), args);
  return new Promise((resolve, reject) => {
    const child = spawn(command, all, {
      ...ids,
      cwd: '/',
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(Buffer.concat(chunks).toString()) : reject(new Error(`${program} ended with ${code}`)),
    );
  });
}
