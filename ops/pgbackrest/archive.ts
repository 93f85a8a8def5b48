// The write-ahead log in the repository, by arithmetic: the tool itself sees no gap in it.
import type { PgBackRest } from './pgbackrest';
import { STANZA } from './repository';

export interface Segment {
  /** 24 hex digits: timeline, log, segment. */
  name: string;
  /** Bytes in the repository. */
  size: number;
  /** When it came there. */
  at: Date;
}

const SEGMENT = /\/([0-9A-F]{24})-[0-9a-f]{40}(?:\.\w+)?$/;
const HISTORY = /(?:^|\/)([0-9A-F]{8})\.history(?:\.\w+)?$/;
/** Of 16 MB each: how many a log file counts. */
const PER_LOG = 0x100;

export interface Archive {
  /** In order, of all timelines. */
  segments: Segment[];
  /** Timelines that began with a promotion. */
  timelines: number[];
}

/** @param id as `info` names it, for instance `15-1` */
export async function listArchive(pgbackrest: PgBackRest, id: string, signal?: AbortSignal): Promise<Archive> {
  const text = await pgbackrest.run('repo-ls', ['--recurse', '--output=json', `archive/${STANZA}/${id}`], { signal });
  const entries = JSON.parse(text) as Record<string, { type: string; size?: number; time?: number }>;
  const segments: Segment[] = [];
  const timelines: number[] = [];
  for (const [path, { size = 0, time = 0 }] of Object.entries(entries)) {
    const name = SEGMENT.exec(`/${path}`)?.[1];
    if (name) segments.push({ name, size, at: new Date(time * 1000) });
    const history = HISTORY.exec(path)?.[1];
    if (history) timelines.push(Number.parseInt(history, 16));
  }
  return { segments: segments.sort((a, b) => (a.name < b.name ? -1 : 1)), timelines };
}

export const timelineOf = (segment: string): number => Number.parseInt(segment.slice(0, 8), 16);

/** Counts segments from 0, whatever their timeline. */
export const numberOf = (segment: string): number =>
  Number.parseInt(segment.slice(8, 16), 16) * PER_LOG + Number.parseInt(segment.slice(16), 16);

/** The number of the segment that holds a position of the log, for instance `0/3000028`. */
export function numberAt(lsn: string): number {
  const [log = '0', offset = '0'] = lsn.split('/');
  return Number.parseInt(log, 16) * PER_LOG + (Number.parseInt(offset, 16) >>> 24);
}

export function segmentName(timeline: number, number: number): string {
  const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, '0');
  return `${hex(timeline)}${hex(Math.floor(number / PER_LOG))}${hex(number % PER_LOG)}`;
}

/** The segments of one timeline that are missing from one to another, both included. */
export function findGaps(segments: readonly { name: string }[], from: string, to: string): string[] {
  const there = new Set(segments.map(({ name }) => name));
  const missing: string[] = [];
  for (let number = numberOf(from); number <= numberOf(to); number++) {
    const name = segmentName(timelineOf(from), number);
    if (!there.has(name)) missing.push(name);
  }
  return missing;
}

/** The last one of a timeline, by two small looks; null where there is none. */
export async function findNewestSegment(
  pgbackrest: PgBackRest,
  id: string,
  timeline: number,
  signal?: AbortSignal,
): Promise<string | null> {
  const prefix = segmentName(timeline, 0).slice(0, 8);
  const list = async (path: string) =>
    Object.keys(JSON.parse(await pgbackrest.run('repo-ls', ['--output=json', path], { signal })) as object);
  const logs = (await list(`archive/${STANZA}/${id}`)).filter(
    (name) => /^[0-9A-F]{16}$/.test(name) && name.startsWith(prefix),
  );
  const log = logs.sort().at(-1);
  if (!log) return null;
  const names = await list(`archive/${STANZA}/${id}/${log}`);
  return (
    names
      .flatMap((name) => SEGMENT.exec(`/${name}`)?.[1] ?? [])
      .sort()
      .at(-1) ?? null
  );
}
