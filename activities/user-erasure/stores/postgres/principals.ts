// Makes a person who writes or decides drafts a random pseudonym. What they did still counts, under that.
import { randomBytes } from 'node:crypto';
import { FIRST_UUID } from '../../../../ops/runtime/uuids';
import type { Database } from '../../../../prisma/client';
import { recordEvent } from '../../../commands/audit';
import { BOOTSTRAP_ADMIN, SYSTEM } from '../../../commands/context';
import { MANY } from '../../../mention-index/lookup';
import { shutOutNewHolds } from '../../../personal-data/erase-drafts';
import { ERASED, mentionsOf } from '../../../personal-data/mentions';
import { normaliseAddress } from '../../../personal-data/subject';
import type { Person } from '../store';
import { isHeld } from './held-person';
import { systemContext } from './own-drafts';

interface PrincipalRow {
  id: string;
  name: string;
  email: string | null;
  createdAt: Date;
  /** False: the name mentions the person, and the key is somebody else's. */
  isPerson: boolean;
}

const BATCH = 500;
const OURS = [BOOTSTRAP_ADMIN.id, SYSTEM.id];

/** Those who are the person, by their address or by a name that is their address, and those whose name only mentions them. */
export async function findPrincipals(db: Database, { email, hashes }: Person): Promise<PrincipalRow[]> {
  const rows = await db.$queryRaw<Omit<PrincipalRow, 'isPerson'>[]>`
    SELECT p.id, p.name, p.email, p.created_at AS "createdAt" FROM principals p
    WHERE p.id IN (SELECT m.row_id FROM mentions m WHERE m.place = 'principals' AND m.hash = ANY (${[...hashes, MANY]}::bytea[]))
      AND p.id <> ALL (${OURS}::uuid[]) ORDER BY p.id`;
  const { isIn } = mentionsOf(email);
  return rows.flatMap((row) => {
    const isPerson = [row.email, row.name].some((one) => one !== null && normaliseAddress(one) === email);
    return isPerson || isIn(row.name) ? [{ ...row, isPerson }] : [];
  });
}

export async function countPrincipals(db: Database, person: Person): Promise<{ principals: number; sessions: number }> {
  const found = await findPrincipals(db, person);
  const ids = found.filter(({ isPerson }) => isPerson).map(({ id }) => id);
  const sessions = await db.session.count({ where: { key: { principalId: { in: ids } } } });
  return { principals: found.length, sessions };
}

export async function* readPrincipals(db: Database, person: Person): AsyncIterable<unknown> {
  const found = await findPrincipals(db, person);
  for (const { id, name, email, createdAt, isPerson } of found) {
    if (!isPerson) {
      yield { kind: 'mention', in: 'principals', id, fields: { name } };
      continue;
    }
    const keys = await db.apiKey.findMany({
      where: { principalId: id },
      select: { id: true, roles: true, groups: true, createdAt: true, endedAt: true },
    });
    yield { kind: 'principal', name, email, createdAt, keys, decisions: readDecisions(db, id) };
    const sessions = await db.session.findMany({
      where: { key: { principalId: id } },
      select: { createdAt: true, expiresAt: true },
    });
    for (const session of sessions) yield { kind: 'session', ...session };
  }
}

async function* readDecisions(db: Database, principalId: string): AsyncIterable<unknown> {
  for (let after = FIRST_UUID; ; ) {
    const page = await db.verdict.findMany({
      where: { principalId, id: { gt: after } },
      // As they were made: an id begins with its time.
      orderBy: { id: 'asc' },
      select: { id: true, draftId: true, revision: true, verdict: true, comment: true, at: true },
      take: BATCH,
    });
    for (const { id, ...decision } of page) {
      yield decision;
      after = id;
    }
    if (page.length < BATCH) return;
  }
}

export async function erasePrincipals(db: Database, person: Person): Promise<{ principals: number; sessions: number }> {
  const found = await findPrincipals(db, person);
  let sessions = 0;
  for (const { id, name, isPerson } of found) {
    sessions += await db.$transaction(async (transaction) => {
      const tx = transaction as Database;
      await shutOutNewHolds(tx);
      if (await isHeld(tx, person)) return 0;
      if (!isPerson) {
        await tx.principal.update({ where: { id }, data: { name: withoutMention(name, person.email), look: null } });
        return 0;
      }
      await tx.principal.update({
        where: { id },
        data: { name: `erased-${randomBytes(8).toString('hex')}`, look: null, email: null },
      });
      await tx.apiKey.updateMany({ where: { principalId: id, endedAt: null }, data: { endedAt: new Date() } });
      // What they wrote beside a decision is theirs; that they decided stays.
      await tx.verdict.updateMany({ where: { principalId: id, comment: { not: null } }, data: { comment: null } });
      const { count } = await tx.session.deleteMany({ where: { key: { principalId: id } } });
      await recordEvent(tx, systemContext(person.requestId), {
        type: 'principal.erased',
        subject: 'principal',
        subjectId: id,
      });
      return count;
    });
  }
  return { principals: found.length, sessions };
}

/** No two principals have one name, so what replaces the mention is nobody else's either. */
const withoutMention = (name: string, email: string) =>
  mentionsOf(email)
    .replace(name)
    .text.replaceAll(ERASED, `erased-${randomBytes(8).toString('hex')}`);
