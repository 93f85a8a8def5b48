import { anchorHead, anchorKey, writeAnchor } from '../../activities/audit-trail/anchors';
import { writeRestoration } from '../../activities/audit-trail/restorations';
import { readHead } from '../../activities/audit-trail/seal';
import { createSigner } from '../../activities/audit-trail/signatures';
import { SealedTrail } from './sealed-trail';

let trail: SealedTrail;
beforeEach(async () => {
  trail = await SealedTrail.create();
});
afterEach(() => trail.database.drop());

const anchorAt = (now: Date) => anchorHead({ db: trail.db, store: trail.store, signer: trail.signer }, now);
const later = (ms: number) => new Date(1_800_000_000_000 + ms);

describe('the head', () => {
  it('is anchored at once, and then each minute where it has moved', async () => {
    expect(await anchorAt(later(0))).toBeNull();
    await trail.record(1);
    await trail.seal();
    expect(await anchorAt(later(0))).toEqual({ position: 1n, isSame: true });
    await trail.record(1);
    await trail.seal();
    expect(await anchorAt(later(59_999))).toBeNull();
    expect(await anchorAt(later(60_000))).toEqual({ position: 2n, isSame: true });
    expect(await anchorAt(later(200_000))).toBeNull();
  });

  it('is anchored after a thousand positions, however short the time', async () => {
    await trail.record(1);
    await trail.seal();
    await anchorAt(later(0));
    const insert = (count: number) =>
      trail.database.pool.query(
        `INSERT INTO audit_events (id, type, at, subject) SELECT gen_random_uuid(), 'x', now(), 'draft' FROM generate_series(1, $1)`,
        [count],
      );
    await insert(999);
    await trail.seal();
    expect(await anchorAt(later(1))).toBeNull();
    await insert(1);
    await trail.seal();
    expect(await anchorAt(later(1))).toEqual({ position: 1_001n, isSame: true });
  });
});

describe('a database that was restored to an earlier time', () => {
  /** Six events anchored at 2, 4 and 6, of which only the first three are left, and then others. */
  async function restored(signer: ReturnType<typeof createSigner> | null): Promise<void> {
    for (let i = 0; i < 3; i++) {
      await trail.record(2);
      await trail.seal();
      await trail.anchor();
    }
    await trail.tamper(
      'DELETE FROM audit_events WHERE position > 3',
      'DELETE FROM audit_seals WHERE position > 3',
      'UPDATE audit_progress SET settled = 3, anchored = 2',
    );
    if (signer) await writeRestoration(trail.store, signer, await readHead(trail.db), 6n);
    await trail.record(5);
    await trail.seal();
    await trail.anchor();
  }

  it('verifies where who restored it has said so, and is held to every other anchor', async () => {
    await restored(trail.signer);
    expect(await trail.verify()).toMatchObject({ ok: true, checked: 8, anchors: 2, head: { position: 8 } });
    await trail.tamper(
      'DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_seals WHERE position > 7)',
      'DELETE FROM audit_seals WHERE position > 7',
    );
    expect(await trail.verify()).toMatchObject({ ok: false, firstBroken: 8, reason: 'tail_cut' });
    await trail.tamper(`UPDATE audit_events SET type = 'x' WHERE position = 2`);
    expect(await trail.verify()).toMatchObject({ ok: false, firstBroken: 2 });
  });

  it.each([
    ['nobody has said so', null],
    ['somebody else has said so', createSigner([Buffer.alloc(32, 9)])],
  ])('is broken where %s', async (_title, signer) => {
    await restored(signer);
    expect(await trail.verify()).toMatchObject({ ok: false, firstBroken: 4, reason: 'anchor_differs' });
  });

  it('is held to an anchor of the abandoned range that is younger', async () => {
    await restored(trail.signer);
    await trail.store.delete(anchorKey(6n));
    await writeAnchor(
      trail.store,
      trail.signer,
      { position: 6n, hash: Buffer.alloc(32) },
      new Date(Date.now() + 5_000),
    );
    expect(await trail.verify()).toMatchObject({ ok: false, firstBroken: 6, reason: 'anchor_differs' });
  });
});
