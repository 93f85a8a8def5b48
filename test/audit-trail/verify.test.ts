// What somebody who has the database to himself may try, and what gives him away.

import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { AnchorsUnavailable, anchorKey, writeAnchor } from '../../activities/audit-trail/anchors';
import { createSealer, readHead } from '../../activities/audit-trail/seal';
import { createSigner } from '../../activities/audit-trail/signatures';
import { verifyTrail } from '../../activities/audit-trail/verify';
import { eraseDrafts } from '../../activities/personal-data/erase-drafts';
import { openObjectStore } from '../../ops/runtime/object-store';
import { aDraft, createTestCommands } from '../support/commands';
import { newFolder } from '../support/environment';
import { SECRET_KEY, SealedTrail } from './sealed-trail';

let trail: SealedTrail;
beforeEach(async () => {
  trail = await SealedTrail.create();
});
afterEach(() => trail.database.drop());

/** Ten events, anchored at 4 and at 10; the event between, with position 5, never came. */
async function tenEvents(): Promise<void> {
  await trail.record(4);
  await trail.seal();
  await trail.anchor();
  await trail.database.pool.query(`SELECT nextval('audit_events_position_seq')`);
  await trail.record(6);
  await trail.seal();
  await trail.anchor();
}
const broken = (firstBroken: number, reason: string) => ({ ok: false, firstBroken, reason });
const OF_SEAL = (n: number) => `(SELECT event_id FROM audit_seals WHERE position = ${n})`;
const WIPE = ['TRUNCATE audit_events, audit_seals, audit_checkpoints'];

describe('the chain', () => {
  it('is whole as it was written, and says where it ends', async () => {
    await tenEvents();
    await trail.record(2);
    const { hash } = await readHead(trail.db);
    expect(await trail.verify()).toEqual({
      ok: true,
      checked: 10,
      anchors: 2,
      head: { position: 10, hash: Buffer.from(hash).toString('hex') },
      firstBroken: null,
      reason: null,
      unknownKeys: [],
      unsealed: { events: 2, oldestSeconds: expect.any(Number) },
    });
  });

  it('is whole while it is empty', async () => {
    expect(await trail.verify()).toMatchObject({ ok: true, checked: 0, head: { position: 0 }, firstBroken: null });
  });

  it('says how long the oldest event waits for its seal', async () => {
    await trail.database.pool.query(
      `INSERT INTO audit_events (id, type, at, subject) VALUES (gen_random_uuid(), 'x', now() - interval '90 seconds', 'draft')`,
    );
    const { ok, unsealed } = await trail.verify();
    expect([ok, unsealed.events, Math.floor(unsealed.oldestSeconds / 10)]).toEqual([true, 1, 9]);
  });

  it.each([
    ["an event's type is edited", 3, 'hash_differs', [`UPDATE audit_events SET type = 'x' WHERE id = ${OF_SEAL(3)}`]],
    [
      "an event's time is edited by a millisecond",
      10,
      'hash_differs',
      [`UPDATE audit_events SET at = at + interval '1 ms' WHERE id = ${OF_SEAL(10)}`],
    ],
    [
      'what is deep in its data is edited',
      1,
      'hash_differs',
      [`UPDATE audit_events SET data = jsonb_set(data, '{a,c}', '"u"') WHERE id = ${OF_SEAL(1)}`],
    ],
    [
      'its data is nested deeper than a program that recurses can follow',
      1,
      'hash_differs',
      [`UPDATE audit_events SET data = ('${'['.repeat(5_000)}${']'.repeat(5_000)}')::jsonb WHERE id = ${OF_SEAL(1)}`],
    ],
    [
      'its data is a number beyond those of JavaScript',
      1,
      'hash_differs',
      [`UPDATE audit_events SET data = '1e400' WHERE id = ${OF_SEAL(1)}`],
    ],
    [
      'who did it is taken away',
      5,
      'hash_differs',
      [`UPDATE audit_events SET actor_id = NULL WHERE id = ${OF_SEAL(5)}`],
    ],
    ['a hash is edited', 6, 'hash_differs', [`UPDATE audit_seals SET hash = '\\x00' WHERE position = 6`]],
    [
      'what a seal follows is edited',
      6,
      'previous_differs',
      [`UPDATE audit_seals SET prev = '\\x00' WHERE position = 6`],
    ],
    [
      'two events change places',
      2,
      'hash_differs',
      [
        `CREATE TEMP TABLE two AS SELECT * FROM audit_seals WHERE position IN (2, 7)`,
        `UPDATE audit_seals SET event_id = gen_random_uuid() WHERE position = 7`,
        `UPDATE audit_seals SET event_id = (SELECT event_id FROM two WHERE position = 7) WHERE position = 2`,
        `UPDATE audit_seals SET event_id = (SELECT event_id FROM two WHERE position = 2) WHERE position = 7`,
        `DROP TABLE two`,
      ],
    ],
    [
      'two seals change places',
      2,
      'previous_differs',
      [
        `CREATE TEMP TABLE two AS SELECT * FROM audit_seals WHERE position IN (2, 7)`,
        `DELETE FROM audit_seals WHERE position IN (2, 7)`,
        `INSERT INTO audit_seals SELECT 9 - position, event_id, prev, hash FROM two`,
        `DROP TABLE two`,
      ],
    ],
    ['an event is removed', 8, 'event_missing', [`DELETE FROM audit_events WHERE id = ${OF_SEAL(8)}`]],
    [
      'an event is removed with its seal',
      8,
      'seal_missing',
      [`DELETE FROM audit_events WHERE id = ${OF_SEAL(8)}`, 'DELETE FROM audit_seals WHERE position = 8'],
    ],
    ['a seal is removed', 8, 'seal_missing', ['DELETE FROM audit_seals WHERE position = 8']],
    [
      'an event is put into the middle',
      5,
      'event_inserted',
      [`INSERT INTO audit_events (position, id, type, at, subject) VALUES (5, gen_random_uuid(), 'x', now(), 'draft')`],
    ],
    [
      'an event is put into the middle with a seal',
      6,
      'previous_differs',
      [
        `UPDATE audit_seals SET position = position + 101 WHERE position > 5`,
        `INSERT INTO audit_events (position, id, type, at, subject) VALUES (1000, gen_random_uuid(), 'x', now(), 'draft')`,
        `INSERT INTO audit_seals SELECT 6, id, '\\x00', '\\x00' FROM audit_events WHERE position = 1000`,
        `UPDATE audit_seals SET position = position - 100 WHERE position > 100`,
      ],
    ],
    [
      'the tail is cut',
      8,
      'tail_cut',
      [
        `DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_seals WHERE position > 7)`,
        'DELETE FROM audit_seals WHERE position > 7',
      ],
    ],
    ['the seals of the tail are removed', 8, 'tail_cut', ['DELETE FROM audit_seals WHERE position > 7']],
    ['all events are removed', 1, 'event_missing', ['DELETE FROM audit_events']],
    ['all seals are removed', 1, 'tail_cut', ['TRUNCATE audit_seals']],
    ['both tables are emptied', 1, 'tail_cut', WIPE],
    [
      'both tables are emptied, and nobody remembers',
      1,
      'tail_cut',
      [...WIPE, 'UPDATE audit_progress SET settled = 0, anchored = 0'],
    ],
    [
      'a checkpoint is made up and what lies before it removed',
      5,
      'checkpoint_forged',
      [
        `INSERT INTO audit_checkpoints SELECT 5, hash, 5, now(), '\\x00', 'retention' FROM audit_seals WHERE position = 5`,
        `DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_seals WHERE position <= 5)`,
        'DELETE FROM audit_seals WHERE position <= 5',
      ],
    ],
  ])('is broken where %s', async (_title, position, reason, statements) => {
    await tenEvents();
    await trail.tamper(...statements);
    // If more than one thing is wrong, the first is named.
    const verification = await trail.verify();
    expect(verification).toMatchObject({ ok: false, firstBroken: position });
    expect(verification.reason).toBe(reason);
  });

  it.each([
    ['with other events', [] as string[]],
    ['with the same events but one', [`UPDATE kept SET type = 'x' WHERE position = 3`]],
  ])('is broken where it is wiped and sealed again %s', async (title, edits) => {
    await tenEvents();
    await trail.tamper('CREATE TABLE kept AS SELECT * FROM audit_events', ...edits, ...WIPE);
    await trail.tamper('UPDATE audit_progress SET settled = 0, anchored = 0, anchored_at = NULL');
    if (title === 'with other events') await trail.record(12);
    else await trail.tamper('INSERT INTO audit_events SELECT * FROM kept');
    await createSealer(trail.db)();
    // Its worker would like to anchor it too.
    await trail.anchor();
    expect(await trail.verify()).toMatchObject(broken(4, 'anchor_differs'));
  });

  it('is the same after a wipe that puts everything back as it was', async () => {
    await tenEvents();
    await trail.tamper('CREATE TABLE kept AS SELECT * FROM audit_events', ...WIPE);
    await trail.tamper('INSERT INTO audit_events SELECT * FROM kept', 'UPDATE audit_progress SET settled = 0');
    await trail.seal();
    expect(await trail.verify()).toMatchObject({ ok: true, checked: 10, anchors: 2 });
  });

  it('stays whole when a person is erased', async () => {
    const { commands, person } = createTestCommands(trail.db);
    const author = await person('an agent', 'author');
    const draft = await commands.submitDraft(author, aDraft({ to: 'gone@example.org' }));
    await commands.withdrawDraft(author, { id: draft.id, reason: 'gone@example.org asked for it' });
    await trail.seal();
    await trail.anchor();
    expect(await eraseDrafts(trail.db, [draft.id], 'erasure')).toEqual([draft.id]);
    await trail.seal();
    expect(await trail.verify()).toMatchObject({ ok: true, checked: 3 });
    expect(JSON.stringify(await trail.db.auditEvent.findMany({ omit: { position: true } }))).not.toContain('gone');
  });
});

describe('an anchor', () => {
  it('is never replaced by another hash', async () => {
    await tenEvents();
    const other = { position: 10n, hash: Buffer.alloc(32, 1) };
    expect(await writeAnchor(trail.store, trail.signer, other)).toBe(false);
    expect(await trail.verify()).toMatchObject({ ok: true, anchors: 2 });
  });

  it('counts by whichever key of SECRET_KEY it was signed', async () => {
    await tenEvents();
    const rotated = createSigner([Buffer.alloc(32, 8), ...SECRET_KEY]);
    expect(await verifyTrail({ ...trail, db: trail.db, verifier: rotated })).toMatchObject({ ok: true, anchors: 2 });
  });

  it('is forged if a signature does not hold for the known key that it names', async () => {
    await tenEvents();
    const anchor = JSON.parse(await text(await trail.store.get(anchorKey(10n))));
    const forged = { ...anchor, signature: Buffer.alloc(64, 1).toString('base64') };
    for (const one of [forged, { ...forged, keyId: 'no key id' }]) {
      await trail.store.put(anchorKey(10n), Buffer.from(JSON.stringify(one)));
      expect(await trail.verify()).toMatchObject(broken(10, 'anchor_forged'));
    }
    await trail.store.put(anchorKey(10n), Buffer.from('what is this?'));
    expect(await trail.verify()).toMatchObject(broken(10, 'anchor_forged'));
  });

  it('of another position says nothing about this one', async () => {
    await tenEvents();
    const moved = await text(await trail.store.get(anchorKey(10n)));
    await trail.store.put(anchorKey(9n), Buffer.from(moved));
    expect(await trail.verify()).toMatchObject(broken(9, 'anchor_forged'));
  });

  it('that is missed is no good news, nor is a store that is away', async () => {
    await tenEvents();
    await trail.store.delete(anchorKey(10n));
    expect(await trail.verify()).toMatchObject({ ok: false, firstBroken: null, reason: 'anchors_missing' });
    const loop = join(newFolder('away'), 'loop');
    symlinkSync(loop, loop);
    const away = openObjectStore(pathToFileURL(loop).href);
    const verification = verifyTrail({ db: trail.db, store: away, verifier: trail.signer });
    await expect(verification).rejects.toEqual(new AnchorsUnavailable('ELOOP'));
  });
});
