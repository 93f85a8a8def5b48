import pg from 'pg';
import { hashEvent } from '../../activities/audit-trail/canonical';
import { EVENT, type EventRow, toRecord } from '../../activities/audit-trail/events';
import { createSealer, NOTHING_LOOKED_AT, sealBatch } from '../../activities/audit-trail/seal';
import type { Database } from '../../prisma/client';
import { until } from '../support/until';
import { SealedTrail } from './sealed-trail';

let trail: SealedTrail;
beforeEach(async () => {
  trail = await SealedTrail.create();
});
afterEach(() => trail.database.drop());

const seals = () => trail.db.auditSeal.findMany({ orderBy: { position: 'asc' } });
const settled = async () => (await trail.db.auditProgress.findUniqueOrThrow({ where: { id: 1 } })).settled;
const INSERT = `INSERT INTO audit_events (id, type, at, subject) VALUES (gen_random_uuid(), 'late', now(), 'draft')`;

async function everyEventIsSealedOnce(): Promise<void> {
  const [row] = await trail.db.$queryRaw<{ events: number; sealed: number; seals: number; top: number }[]>`
    SELECT (SELECT count(*)::int FROM audit_events) AS events,
      (SELECT count(*)::int FROM audit_events e JOIN audit_seals s ON s.event_id = e.id) AS sealed,
      (SELECT count(*)::int FROM audit_seals) AS seals, (SELECT max(position)::int FROM audit_seals) AS top`;
  expect(row).toEqual({ events: row?.events, sealed: row?.events, seals: row?.events, top: row?.events });
}

describe('the sealer', () => {
  it('chains every event to the one before it, in positions without a gap', async () => {
    await trail.record(5);
    expect(await trail.seal(2)).toBe(5);
    const events = await trail.db.$queryRaw<EventRow[]>`SELECT ${EVENT} FROM audit_events e ORDER BY position`;
    let prev = Buffer.alloc(32);
    for (const [i, seal] of (await seals()).entries()) {
      const event = events[i] as EventRow;
      expect([seal.position, seal.eventId]).toEqual([BigInt(i + 1), event.id]);
      expect(Buffer.from(seal.prev)).toEqual(prev);
      prev = Buffer.from(seal.hash);
      expect(prev).toEqual(hashEvent(seal.prev, toRecord(event)));
    }
    expect(await trail.seal()).toBe(0);
  });

  it('seals an event with data that is nested deeper than a program that recurses can follow', async () => {
    await trail.database.pool.query(
      `INSERT INTO audit_events (id, type, at, subject, data) VALUES (gen_random_uuid(), 'deep', now(), 'draft', $1)`,
      [`${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    );
    expect(await trail.seal()).toBe(1);
    expect(await trail.verify()).toMatchObject({ ok: true, checked: 1 });
  });

  it('seals an event that is committed after others with higher positions, and looks no further back than that', async () => {
    const seal = createSealer(trail.db);
    await trail.record(2);
    await seal();
    const late = new pg.Client({ connectionString: trail.database.url });
    await late.connect();
    await late.query('BEGIN');
    await late.query(INSERT);
    await trail.record(3);
    expect(await seal()).toMatchObject({ events: { length: 3 }, isMore: false });
    await trail.record(1);
    expect(await seal()).toMatchObject({ events: { length: 1 }, isMore: false });
    expect(await settled()).toBe(2n);
    // A sealer that begins anew knows of it too.
    expect(await createSealer(trail.db)()).toMatchObject({ events: { length: 0 }, isMore: false });
    await late.query('COMMIT');
    await late.end();
    await until('it is sealed', async () => (await seal())?.events.length === 1);
    await until('all is settled', async () => (await seal()) && (await settled()) === 7n);
    await everyEventIsSealedOnce();
  });

  it('waits for nobody whose event never comes', async () => {
    await trail.record(1);
    await expect(
      trail.db.$transaction(async (tx) => {
        await tx.$executeRawUnsafe(INSERT);
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');
    await trail.record(1);
    expect(await trail.seal()).toBe(2);
    expect(await settled()).toBe(3n);
  });

  it('is one at a time, and every event of 16 writers is sealed exactly once by two of them', async () => {
    let writing = true;
    const sealers = [createSealer(trail.db, 7), createSealer(trail.db, 7)].map(async (seal) => {
      while (writing) await seal();
    });
    await Promise.all(Array.from({ length: 16 }, () => trail.record(15)));
    writing = false;
    await Promise.all(sealers);
    await until('all is sealed', async () => (await trail.seal()) === 0);
    expect(await trail.db.auditEvent.count()).toBe(240);
    await everyEventIsSealedOnce();
  });

  it('reads a few rows at the end of a long trail', async () => {
    await trail.database.pool.query(
      `INSERT INTO audit_events (id, type, at, subject) SELECT gen_random_uuid(), 'many', now(), 'draft' FROM generate_series(1, 20000)`,
    );
    await trail.seal(5_000);
    await trail.record(3);
    const read = await trail.db.$transaction(async (tx) => {
      const rowsRead = async () => {
        const [row] = await tx.$queryRaw<{ rows: number }[]>`
          SELECT sum(seq_tup_read + idx_tup_fetch)::int AS rows FROM pg_stat_xact_user_tables
          WHERE relname IN ('audit_events', 'audit_seals')`;
        return row?.rows ?? 0;
      };
      const before = await rowsRead();
      const sealed = await sealBatch(tx as Database, { ...NOTHING_LOOKED_AT }, 1_000);
      expect(sealed).toMatchObject({ events: { length: 3 }, isMore: false });
      return (await rowsRead()) - before;
    });
    expect(read).toBeGreaterThanOrEqual(3);
    expect(read).toBeLessThan(20);
  });
});
