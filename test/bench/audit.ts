// What sealing costs those who append to the audit trail: with no sealer, with one, and where each append would have to wait
// for the chain itself.
import { setTimeout as delay } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import { recordEvent } from '../../activities/commands/audit';
import { SYSTEM } from '../../activities/commands/context';
import { createDatabase, type Database } from '../../prisma/client';
import { createMigratedDatabase } from '../support/database';
import { now } from './clock';
import { type Percentiles, percentiles } from './percentiles';
import { Program } from './program';
import type { Servers } from './servers';
import { number, table } from './tables';

const MODES = ['no sealer', 'a sealer', 'chained at once'] as const;
type Mode = (typeof MODES)[number];
const WRITERS = [1, 16];

interface Cell {
  mode: Mode;
  writers: number;
  perSecond: number;
  ms: Percentiles;
  /** How many events waited for their seal at the end, and for how long. */
  unsealed: number;
  sealedWithinSeconds: number;
}

export interface AuditCost {
  cells: Cell[];
  /** Appends a second with a sealer to those without, by the number of writers. */
  ratio: Record<number, number>;
}

export async function measureAudit(
  servers: Servers,
  { seconds, rounds }: { seconds: number; rounds: number },
  progress: (line: string) => void,
): Promise<AuditCost> {
  const cells: Cell[] = [];
  for (const mode of MODES) {
    const databaseUrl = await createMigratedDatabase(servers.postgres.url, `audit_${MODES.indexOf(mode)}`);
    const { db, close } = createDatabase({
      DATABASE_URL: databaseUrl,
      DB_POOL_SIZE: 20,
      DB_POOL_OVERFLOW: 10,
      DB_POOL_TIMEOUT_SECONDS: 30,
      DB_POOL_RECYCLE_SECONDS: 3_600,
    });
    const sealer =
      mode === 'a sealer' &&
      (await Program.startOwn('sealer', 'audit-sealer.ts', servers.folder, { DATABASE_URL: databaseUrl }));
    for (const writers of WRITERS) {
      progress(`${writers} writers, ${mode}`);
      await append(db, mode, writers, 1);
      cells.push({ mode, writers, ...(await append(db, mode, writers, seconds * rounds)), ...(await lag(db, mode)) });
    }
    if (sealer) await sealer.program.stop();
    await close();
  }
  const rate = (mode: Mode, writers: number) =>
    cells.find((cell) => cell.mode === mode && cell.writers === writers)?.perSecond ?? Number.NaN;
  const ratio = Object.fromEntries(WRITERS.map((n) => [n, rate('a sealer', n) / rate('no sealer', n)]));
  return { cells, ratio };
}

async function append(db: Database, mode: Mode, writers: number, seconds: number) {
  const times: number[] = [];
  const end = now() + seconds * 1_000;
  const write = async () => {
    while (now() < end) {
      const began = now();
      await (mode === 'chained at once' ? appendChained(db) : appendOne(db));
      times.push(now() - began);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  return { perSecond: times.length / seconds, ms: percentiles(times) };
}

const appendOne = (db: Database) =>
  recordEvent(
    db,
    { actor: SYSTEM, requestId: uuidv7() },
    { type: 'draft.submitted', subject: 'draft', subjectId: uuidv7(), revision: 1, data: { policyVersion: 1 } },
  );

/** In one transaction that holds the chain's lock: what the design avoids. */
const appendChained = (db: Database) =>
  db.$transaction(
    async (tx) => {
      await tx.$queryRaw`SELECT pg_advisory_xact_lock(1129595986, 2)::text`;
      await appendOne(tx as Database);
      await tx.$executeRaw`
        INSERT INTO audit_seals (position, event_id, prev, hash)
        SELECT coalesce(max(position), 0) + 1, gen_random_uuid(), '\\x00', sha256('\\x00') FROM audit_seals`;
    },
    { maxWait: 30_000, timeout: 30_000 },
  );

async function lag(db: Database, mode: Mode): Promise<Pick<Cell, 'unsealed' | 'sealedWithinSeconds'>> {
  if (mode !== 'a sealer') return { unsealed: 0, sealedWithinSeconds: 0 };
  const count = async () => (await db.auditEvent.count()) - (await db.auditSeal.count());
  const began = now();
  const unsealed = await count();
  while ((await count()) > 0) await delay(50);
  return { unsealed, sealedWithinSeconds: (now() - began) / 1_000 };
}

export function printAudit({ cells, ratio }: AuditCost): string {
  return [
    'Appending to the audit trail; times are p50 / p99 in ms',
    table([
      ['', 'writers', 'appends/s', 'an append', 'unsealed at the end', 'sealed within s'],
      ...cells.map(({ mode, writers, perSecond, ms, unsealed, sealedWithinSeconds }) => [
        mode,
        String(writers),
        number(perSecond),
        `${number(ms.p50)} / ${number(ms.p99)}`,
        mode === 'a sealer' ? String(unsealed) : '–',
        mode === 'a sealer' ? number(sealedWithinSeconds) : '–',
      ]),
    ]),
    '',
    ...WRITERS.map((n) => `With a sealer ${number(ratio[n])} times as many appends a second as without, ${n} writers.`),
  ].join('\n');
}
