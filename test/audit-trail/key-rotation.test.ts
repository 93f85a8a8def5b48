// While SECRET_KEY is rotated, processes know different keys: none may call another's signature a forgery, nor trust one that it can't check.
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { Registry } from 'prom-client';
import { anchorKey, noteAnchored, writeAnchor } from '../../activities/audit-trail/anchors';
import { observeAudit } from '../../activities/audit-trail/metrics';
import { pruneEvents } from '../../activities/audit-trail/prune';
import { readHead } from '../../activities/audit-trail/seal';
import { createSigner, type Signer } from '../../activities/audit-trail/signatures';
import { verifyTrail } from '../../activities/audit-trail/verify';
import { verifyCommand } from '../../ops/audit/verify';
import { runHere } from '../support/run-command';
import { SECRET_KEY, SealedTrail } from './sealed-trail';

const [OLD, NEW] = [SECRET_KEY[0] as Buffer, Buffer.alloc(32, 8)];
/** A process before the rotation, after its first step, after its second, and once the old key was dropped. */
const [before, first, second, after] = [[OLD], [OLD, NEW], [NEW, OLD], [NEW]].map((keys) => createSigner(keys)) as [
  Signer,
  Signer,
  Signer,
  Signer,
];

let trail: SealedTrail;
beforeEach(async () => {
  trail = await SealedTrail.create();
});
afterEach(() => trail.database.drop());

const verifyWith = (verifier: Signer) => verifyTrail({ db: trail.db, store: trail.store, verifier });
async function anchorWith(signer: Signer): Promise<void> {
  await trail.record(2);
  await trail.seal();
  const head = await readHead(trail.db);
  if (await writeAnchor(trail.store, signer, head)) await noteAnchored(trail.db, head);
}
const UNKNOWN = { ok: false, firstBroken: null, reason: 'key_unknown', unknownKeys: [after.keyId] };

describe('in two steps, the new key first known and then signing', () => {
  it('leaves the trail whole for every process at any time', async () => {
    await anchorWith(before);
    await anchorWith(first);
    for (const process of [before, first]) expect(await verifyWith(process)).toMatchObject({ ok: true, anchors: 2 });
    await anchorWith(first);
    await anchorWith(second);
    for (const process of [first, second]) {
      expect(await verifyWith(process)).toMatchObject({ ok: true, anchors: 4, unknownKeys: [] });
    }
  });

  it('leaves a pruned trail whole too', async () => {
    await anchorWith(first);
    await anchorWith(second);
    await pruneEvents({ db: trail.db, signer: second }, new Date(Date.now() + 60_000), 3);
    for (const process of [first, second]) expect(await verifyWith(process)).toMatchObject({ ok: true, anchors: 1 });
  });
});

describe('an anchor by a key that this process does not have', () => {
  it('is not called broken and does not count, and all the rest is checked', async () => {
    await anchorWith(before);
    await anchorWith(second);
    expect(await verifyWith(before)).toMatchObject({ ...UNKNOWN, checked: 4, anchors: 1 });
    expect(await verifyWith(after)).toMatchObject({ ...UNKNOWN, unknownKeys: [before.keyId] });
  });

  it('hides no break of the chain, and no anchor that is gone', async () => {
    await anchorWith(before);
    await anchorWith(second);
    await trail.store.delete(anchorKey(4n));
    expect(await verifyWith(after)).toMatchObject({ reason: 'anchors_missing', unknownKeys: [before.keyId] });
    await trail.tamper(`UPDATE audit_events SET type = 'x' WHERE position = 1`);
    expect(await verifyWith(after)).toMatchObject({ ok: false, firstBroken: 1, reason: 'hash_differs' });
  });

  it('breaks the trail if it says otherwise than the chain: no forger escapes by naming another key', async () => {
    await anchorWith(before);
    const anchor = JSON.parse(await text(await trail.store.get(anchorKey(2n))));
    const forged = { ...anchor, keyId: 'f'.repeat(16), hash: '0'.repeat(64) };
    await trail.store.put(anchorKey(2n), Buffer.from(JSON.stringify(forged)));
    expect(await verifyWith(before)).toMatchObject({
      ok: false,
      firstBroken: 2,
      reason: 'anchor_differs',
      unknownKeys: ['f'.repeat(16)],
    });
  });

  it('is never trusted for a made-up id, however well the rest fits', async () => {
    await anchorWith(before);
    const anchor = JSON.parse(await text(await trail.store.get(anchorKey(2n))));
    const forged = { ...anchor, keyId: 'f'.repeat(16), signature: Buffer.alloc(64, 1).toString('base64') };
    await trail.store.put(anchorKey(2n), Buffer.from(JSON.stringify(forged)));
    expect(await verifyWith(before)).toMatchObject({ ...UNKNOWN, unknownKeys: ['f'.repeat(16)], anchors: 0 });
  });
});

it('names the unknown key of a checkpoint, and still checks all that follows it', async () => {
  await anchorWith(second);
  await anchorWith(second);
  await pruneEvents({ db: trail.db, signer: second }, new Date(Date.now() + 60_000), 3);
  expect(await verifyWith(before)).toMatchObject({ ...UNKNOWN, anchors: 0 });
  await trail.tamper(
    `UPDATE audit_events SET type = 'x' WHERE id = (SELECT event_id FROM audit_seals WHERE position = 4)`,
  );
  expect(await verifyWith(before)).toMatchObject({ ok: false, firstBroken: 4, reason: 'hash_differs' });
});

it('still verifies a checkpoint that an earlier build wrote without the id of its key', async () => {
  await anchorWith(before);
  await pruneEvents({ db: trail.db, signer: before }, new Date(Date.now() + 60_000), 1);
  await trail.tamper('UPDATE audit_checkpoints SET signature = substr(signature, 9)');
  expect(await verifyWith(before)).toMatchObject({ ok: true, checked: 1 });
  expect(await verifyWith(after)).toMatchObject({ ok: false, firstBroken: 1, reason: 'checkpoint_forged' });
});

it('makes audit:verify end with 3 and name the key and the remedy, as text and as JSON', async () => {
  await anchorWith(before);
  await anchorWith(second);
  const env = {
    DATABASE_URL: trail.database.url,
    BACKUP_URL: pathToFileURL(trail.folder).href,
    SECRET_KEY: OLD.toString('base64'),
  };
  const { code, output } = await runHere(verifyCommand, [], env);
  expect([code, output.split('\n')[0]]).toEqual([3, expect.stringMatching(`^Could not check: .*${after.keyId}`)]);
  expect(output).toContain('add the new key after a comma');
  const { code: again, output: json } = await runHere(verifyCommand, ['--json'], env);
  expect([again, JSON.parse(json)]).toMatchObject([3, UNKNOWN]);
});

it('is a state of its own in the metrics', async () => {
  await anchorWith(second);
  const registry = new Registry();
  const note = observeAudit(registry);
  expect(await registry.metrics()).not.toContain('state=');
  note(await verifyWith(before));
  const metrics = await registry.metrics();
  expect(metrics).toContain('countersign_audit_trail{state="key_unknown"} 1');
  for (const other of ['whole', 'broken', 'anchors_missing']) {
    expect(metrics).toContain(`countersign_audit_trail{state="${other}"} 0`);
  }
});
