// Tells what an erasure left behind from what came since: who writes about somebody again and again, while they are being
// erased, must not keep them from their certificate.
import { type Database, Prisma } from '../../prisma/client';
import type { ScanSummary } from '../../workflows/contracts/user-erasure';
import { type RecordedScan, toSummary } from '../erasure-scan/pass';
import type { MentionIndex } from '../mention-index';
import { RECIPIENTS } from '../mention-index/lookup';
import type { Person, PersonalDataStore } from './stores/store';

export interface LateContentDependencies {
  db: Database;
  index: Pick<MentionIndex, 'catchUp'>;
  stores: readonly PersonalDataStore[];
}

/** In these an author's content shows as soon as it is written, and the index of mentions knows when that was. */
const INDEXED = ['postgres', 'objects'];
const OBJECT = /\/attachments\/([\da-f]{64})\?/;

/**
 * Purges what was written since the last purge began, if the scan found nothing else.
 * @returns the scan without those findings, or null where something older is left, or something of it has to be kept
 */
export async function settleLateContent(
  { db, index, stores }: LateContentDependencies,
  person: Person,
  beat: () => void,
): Promise<ScanSummary | null> {
  await index.catchUp(beat);
  const row = await db.erasure.findUnique({
    where: { id: person.requestId },
    select: { scan: true, purgeFrom: true, status: true },
  });
  if (row?.status !== 'scanning' || !row.scan || row.purgeFrom === null) return null;
  const scan = row.scan as unknown as RecordedScan;
  if (!(await isAllLate(db, person, scan, row.purgeFrom))) return null;
  for (const store of stores) {
    const { withhold } = await store.purge({ ...person, isRepeated: true }, beat);
    if (withhold > 0) return null;
  }
  const late = scan.sources.reduce((sum, { findings }) => sum + findings, 0);
  return { ...toSummary(scan), late, sources: scan.sources.map((source) => ({ ...source, findings: 0 })) };
}

async function isAllLate(
  db: Database,
  { hashes }: Person,
  { sources, places }: RecordedScan,
  purgeFrom: bigint,
): Promise<boolean> {
  const found = sources.filter(({ findings }) => findings > 0).map(({ source }) => source);
  if (found.some((source) => !INDEXED.includes(source))) return false;
  const isTheirs = Prisma.sql`m.hash = ANY (${hashes}::bytea[])`;
  const mentions = await db.$queryRaw<{ place: string; isLate: boolean; sha256: string | null }[]>`
    SELECT DISTINCT m.place, m.position > ${purgeFrom} AS "isLate", a.sha256
    FROM mentions m LEFT JOIN attachments a ON m.place = 'attachments' AND a.id = m.row_id WHERE ${isTheirs}`;
  // What the purge knew of has gone; else it is the purge that has failed.
  if (mentions.some(({ isLate }) => !isLate)) return false;
  const tables = new Set(mentions.map(({ place }) => (place === RECIPIENTS ? 'drafts' : place)));
  const files = new Set(mentions.map(({ sha256 }) => sha256));
  const isKnown = (place: string) => tables.has(place) || files.has(OBJECT.exec(place)?.[1] ?? '');
  return found.every((source) => places[source]?.every(isKnown));
}
