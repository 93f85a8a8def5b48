import pg from 'pg';
import { anchorKey, forgetAnchors } from '../../activities/audit-trail/anchors';
import { pruneEvents } from '../../activities/audit-trail/prune';
import { asSuperuser, databaseUrl, onServer } from '../support/database';
import { testServers } from '../support/servers';
import { SealedTrail } from './sealed-trail';

const YEAR_AGO = new Date(Date.now() - 365 * 86_400_000);

let trail: SealedTrail;
beforeEach(async () => {
  trail = await SealedTrail.create();
});
afterEach(() => trail.database.drop());

/** Events of these times, in this order. */
async function eventsAt(...secondsAfter: number[]): Promise<void> {
  for (const seconds of secondsAfter) {
    const at = new Date(YEAR_AGO.getTime() + seconds * 1000);
    await trail.database.pool.query(
      `INSERT INTO audit_events (id, type, at, subject) VALUES (gen_random_uuid(), $1, $2, 'draft')`,
      [`at ${seconds}`, at],
    );
  }
}
const kept = async () => (await trail.db.auditEvent.findMany({ orderBy: { position: 'asc' } })).map(({ type }) => type);
const prune = (limit = 100) => pruneEvents({ db: trail.db, signer: trail.signer }, YEAR_AGO, limit);
async function sealAndAnchor(): Promise<void> {
  await trail.seal();
  await trail.anchor();
}

describe('pruning', () => {
  it('takes what is a second too old and keeps what is not, and the rest verifies', async () => {
    await eventsAt(-3, -2, -1, 1, 2);
    await sealAndAnchor();
    expect(await prune()).toBe(3);
    expect(await kept()).toEqual(['at 1', 'at 2', 'audit.pruned']);
    expect(await trail.verify()).toMatchObject({ ok: true, checked: 2, anchors: 1, head: { position: 5 } });
    const [checkpoint, ...others] = await trail.db.auditCheckpoint.findMany();
    expect([checkpoint, others]).toMatchObject([{ position: 3n, events: 3, reason: 'retention' }, []]);
    const [event] = await trail.db.auditEvent.findMany({ where: { type: 'audit.pruned' } });
    expect(event?.data).toEqual({ position: 3, events: 3, reason: 'retention' });
  });

  it('takes what an operator wrote beside an event with that event', async () => {
    await eventsAt(-1, 1);
    await trail.database.pool.query(
      `INSERT INTO operator_notes (id, service, text) SELECT id, 'email', type FROM audit_events`,
    );
    await sealAndAnchor();
    await prune();
    expect((await trail.db.operatorNote.findMany()).map(({ text }) => text)).toEqual(['at 1']);
  });

  it('goes on where it stopped, in batches, and does nothing twice', async () => {
    await eventsAt(-9, -8, -7, -6, -5, 5);
    await sealAndAnchor();
    expect([await prune(2), await prune(2), await prune(2), await prune(2)]).toEqual([2, 2, 1, 0]);
    await sealAndAnchor();
    expect(await trail.verify()).toMatchObject({ ok: true, checked: 4 });
    expect((await trail.db.auditCheckpoint.findMany()).map(({ position }) => position)).toEqual([2n, 4n, 5n]);
  });

  it('leaves a chain that goes on where everything was pruned', async () => {
    await eventsAt(-2, -1);
    await sealAndAnchor();
    expect(await prune()).toBe(2);
    await trail.seal();
    expect(await trail.verify()).toMatchObject({
      ok: true,
      checked: 1,
      head: { position: 3 },
      unsealed: { events: 0 },
    });
  });

  it('keeps what is not sealed, what is not anchored, and an old event behind a young one', async () => {
    await eventsAt(-9);
    await sealAndAnchor();
    await eventsAt(-8);
    await trail.seal();
    await eventsAt(-7);
    expect([await prune(), await prune()]).toEqual([1, 0]);
    await eventsAt(1, -6);
    await sealAndAnchor();
    expect(await prune()).toBe(2);
    expect(await kept()).toEqual(expect.arrayContaining(['at 1', 'at -6']));
    expect(await trail.verify()).toMatchObject({ ok: true });
  });

  it('is the same when two do it at once', async () => {
    await eventsAt(-3, -2, -1, 1);
    await sealAndAnchor();
    const both = await Promise.allSettled([prune(), prune()]);
    expect(both.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
    expect(await kept()).toEqual(['at 1', 'audit.pruned']);
    expect(await trail.verify()).toMatchObject({ ok: true });
  });

  it('lets the anchors of what is gone go, and keeps all others', async () => {
    await eventsAt(-3);
    await sealAndAnchor();
    await eventsAt(-2);
    await sealAndAnchor();
    await eventsAt(1);
    await sealAndAnchor();
    expect(await prune()).toBe(2);
    expect(await forgetAnchors(trail.store, 2n)).toBe(1);
    expect(await Promise.all([1n, 2n, 3n].map((one) => trail.store.has(anchorKey(one))))).toEqual([false, true, true]);
    expect(await trail.verify()).toMatchObject({ ok: true, anchors: 2 });
  });

  it('shows what was changed after it', async () => {
    await eventsAt(-2, -1, 1, 2);
    await sealAndAnchor();
    await prune();
    await trail.tamper(`UPDATE audit_events SET type = 'x' WHERE type = 'at 2'`);
    expect(await trail.verify()).toMatchObject({ ok: false, firstBroken: 4 });
    await trail.tamper(`UPDATE audit_checkpoints SET hash = '\\x00'`);
    expect(await trail.verify()).toMatchObject({ ok: false, firstBroken: 2, reason: 'checkpoint_forged' });
    await trail.tamper('TRUNCATE audit_checkpoints');
    expect(await trail.verify()).toMatchObject({ ok: false, firstBroken: 1, reason: 'seal_missing' });
  });
});

describe('the tables', () => {
  it.each([
    ['audit_seals', `UPDATE audit_seals SET hash = '\\x00'`],
    ['audit_seals', 'DELETE FROM audit_seals'],
    ['audit_seals', 'DELETE FROM audit_seals WHERE false'],
    ['audit_seals', 'TRUNCATE audit_seals'],
    ['audit_checkpoints', `UPDATE audit_checkpoints SET hash = '\\x00'`],
    ['audit_checkpoints', 'DELETE FROM audit_checkpoints'],
    ['audit_checkpoints', 'TRUNCATE audit_checkpoints'],
  ])('%s is append-only to the superuser too: %s', async (table, statement) => {
    await eventsAt(-1, 1);
    await sealAndAnchor();
    await prune();
    const refused = { code: '42501', message: `${table} is append-only` };
    await expect(asSuperuser(trail.database, statement)).rejects.toMatchObject(refused);
  });

  it('lose only what a checkpoint of the same transaction covers', async () => {
    await eventsAt(-2, -1, 1);
    await sealAndAnchor();
    const attempt = async (statement: string) => {
      const covered = `INSERT INTO audit_checkpoints SELECT position, hash, 1, now(), '\\x00', 'x' FROM audit_seals WHERE position = 1`;
      return asSuperuser(trail.database, `BEGIN; ${covered}; ${statement}; ROLLBACK`).then(
        () => null,
        (error: Error) => error.message,
      );
    };
    expect(await attempt('DELETE FROM audit_events')).toBe('No checkpoint covers this event');
    expect(await attempt('DELETE FROM audit_seals')).toBe('No checkpoint covers this seal');
    expect(await attempt('DELETE FROM audit_seals WHERE position = 1')).toBeNull();
    await expect(
      trail.database.pool.query(`SELECT prune_audit(3, '\\x00', now(), '\\x00', 'x')`),
    ).rejects.toMatchObject({ message: 'No seal is like this checkpoint' });
  });

  it('let an owner who is no superuser insert and prune, and nothing else', async () => {
    const { postgres, template } = testServers();
    const [role, name] = [`owner_${process.pid}`, `owned_${process.pid}`];
    await onServer(postgres, `CREATE ROLE ${role} LOGIN`);
    await onServer(postgres, `CREATE DATABASE ${name} TEMPLATE ${template}`);
    const superuser = new pg.Client({ connectionString: databaseUrl(postgres, name) });
    await superuser.connect();
    try {
      // As if this role had migrated: it owns what it made, with what the migration left it.
      await superuser.query(`ALTER DATABASE ${name} OWNER TO ${role}`);
      for (const table of ['audit_events', 'audit_seals', 'audit_checkpoints'])
        await superuser.query(`ALTER TABLE ${table} OWNER TO ${role}`);
      await superuser.query(`ALTER FUNCTION prune_audit OWNER TO ${role}`);
      await superuser.query(`SET ROLE ${role}`);
      await superuser.query(
        `INSERT INTO audit_events (id, type, at, subject) VALUES (gen_random_uuid(), 'x', now(), 'draft')`,
      );
      await superuser.query(`INSERT INTO audit_seals SELECT 1, id, '\\x00', '\\x01' FROM audit_events`);
      for (const [statement, table] of [
        ['UPDATE audit_events SET type = type', 'audit_events'],
        ['DELETE FROM audit_events', 'audit_events'],
        ['TRUNCATE audit_events', 'audit_events'],
        ['DELETE FROM audit_seals', 'audit_seals'],
        ['UPDATE audit_checkpoints SET reason = reason', 'audit_checkpoints'],
      ] as const) {
        const refused = { code: '42501', message: `permission denied for table ${table}` };
        await expect(superuser.query(statement)).rejects.toMatchObject(refused);
      }
      const { rows } = await superuser.query(`SELECT prune_audit(1, '\\x01', now(), '\\x00', 'retention') AS pruned`);
      expect(rows).toEqual([{ pruned: 1 }]);
      await expect(superuser.query('DELETE FROM audit_events')).rejects.toMatchObject({ code: '42501' });
      await expect(
        superuser.query('RESET ROLE; SET ROLE pg_monitor; SELECT prune_audit(1, NULL, now(), NULL, NULL)'),
      ).rejects.toMatchObject({ code: '42501' });
    } finally {
      await superuser.end();
      await onServer(postgres, `DROP DATABASE ${name} WITH (FORCE)`);
      await onServer(postgres, `DROP ROLE ${role}`);
    }
  });
});
