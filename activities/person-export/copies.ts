// Removes the copies of a person that lie in exports: in their own, and in other people's that mention them.
//
// It comes after the stores have been gone through. What is ready then is read and, where it mentions the person, ended. What is
// still being written may have read them before: it looks for an erasure that has come here since it began, and begins again
// (`isOvertaken`). The lock lets nothing become ready between the two.
import { type ObjectStore, ObjectStoreError } from '../../ops/runtime/object-store';
import { type Database, Prisma } from '../../prisma/client';
import { ERASURE_STEPS } from '../../workflows/contracts/user-erasure';
import type { Matcher } from '../personal-data/matching/matcher';
import { windowsOf } from '../personal-data/matching/windows';
import type { Subjects } from '../personal-data/subject';
import type { Person } from '../user-erasure/stores/store';
import { getDocument } from './content';
import type { SealedExport } from './export-record';
import { endExport, endExports, sweepExports } from './removal';

/** Journalled before it acts, and no store that an export reads comes after it. */
export const REMOVES_COPIES = ERASURE_STEPS.at(-1);
const FINISHING = 7_305_218n;

export interface CopiesDependencies {
  db: Database;
  files: ObjectStore;
  subjects: Subjects;
  matcher: Pick<Matcher, 'addressesInBytes'>;
}

interface ReadyExport {
  id: string;
  object: string;
  sealed: Uint8Array<ArrayBuffer>;
}

/** Idempotent. `beat` after each export. */
export async function removeCopies(
  { db, ...sources }: CopiesDependencies,
  person: Person,
  beat: () => void,
): Promise<void> {
  await endExports(db, person.hashes);
  await db.$transaction((tx) => tx.$executeRaw`SELECT pg_advisory_xact_lock(${FINISHING})`);
  const ready = await db.$queryRaw<ReadyExport[]>`
    SELECT id, object, sealed FROM person_exports WHERE status = 'ready' ORDER BY id`;
  for (const one of ready) {
    if (await mayMention(sources, one, person.email)) await endExport(db, one.id);
    beat();
  }
  await sweepExports(db, sources.files);
}

/** One that nobody can read any more, damaged or sealed with a key that is gone, is of no use: it holds up no erasure. */
async function mayMention(
  { files, subjects, matcher }: Omit<CopiesDependencies, 'db'>,
  { id, object, sealed }: ReadyExport,
  email: string,
): Promise<boolean> {
  try {
    const { key } = subjects.unseal<SealedExport>(sealed);
    for await (const window of windowsOf(await getDocument(files, { id, object, key }))) {
      if ((await matcher.addressesInBytes(window)).includes(email)) return true;
    }
    return false;
  } catch (error) {
    if (error instanceof ObjectStoreError) throw error;
    return true;
  }
}

/** In the transaction that makes an export ready. @param since by the database's clock, when its attempt began to read */
export async function isOvertaken(tx: Pick<Database, '$queryRaw' | '$executeRaw'>, since: Date): Promise<boolean> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock_shared(${FINISHING})`;
  const [row] = await tx.$queryRaw<{ overtaken: boolean }[]>(Prisma.sql`
    SELECT EXISTS (SELECT FROM erasure_steps WHERE step = ${REMOVES_COPIES} AND started_at >= ${since}::timestamptz) AS overtaken`);
  return row?.overtaken ?? false;
}
