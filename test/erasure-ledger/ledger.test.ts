// The ledger itself: a chain of signed entries that nobody can edit, cut in the middle or forge.
import { pathToFileURL } from 'node:url';
import { createLedger, type LedgerEntry } from '../../activities/erasure-ledger/ledger';
import { openObjectStore } from '../../ops/runtime/object-store';
import { createSigner } from '../../ops/runtime/signing';
import { collect } from '../support/collect';
import { newFolder } from '../support/environment';

const KEY = Buffer.alloc(32, 7);
const OTHER = Buffer.alloc(32, 8);
const open = (keys = [KEY]) => {
  const store = openObjectStore(pathToFileURL(newFolder('ledger')).href);
  return {
    store,
    ledger: createLedger(store, createSigner(keys, 'erasure ledger')),
    with: (other: Buffer[]) => createLedger(store, createSigner(other, 'erasure ledger')),
  };
};
const entry = (n: number) => ({
  requestId: `01900000-0000-7000-8000-00000000000${n}`,
  subject: [String(n).repeat(64)],
  certifiedAt: '2026-01-01T00:00:00.000Z',
});
const keyOf = (position: number) => `erasure-ledger/${String(position).padStart(12, '0')}.json`;

it('grows by one chained entry an erasure, and by none when one is written again', async () => {
  const { ledger } = open();
  expect(await ledger.head()).toBe(0);
  const first = await ledger.append(entry(1));
  expect(await ledger.append(entry(1))).toEqual(first);
  const second = await ledger.append(entry(2));
  expect([second.position, second.prev]).toEqual([2, first.hash]);
  expect(await collect(ledger.entries())).toEqual([first, second]);
  expect(await collect(ledger.entries(1))).toEqual([second]);
});

it('tells the hash of an entry, null before the first, and nothing of one that is gone or not sound', async () => {
  const { store, ledger } = open();
  expect(await ledger.hashAt(0)).toBeNull();
  const first = await ledger.append(entry(1));
  expect(await ledger.hashAt(1)).toBe(first.hash);
  for (const content of [{ ...first, subject: ['f'.repeat(64)] }, 'no entry']) {
    await store.put(keyOf(1), Buffer.from(JSON.stringify(content)));
    await expect(ledger.hashAt(1)).rejects.toMatchObject({ code: 'ledger_broken', position: 1 });
  }
  await store.put(keyOf(1), Buffer.from('{'));
  for (const position of [1, 2]) {
    await expect(ledger.hashAt(position)).rejects.toMatchObject({ code: 'ledger_broken', position });
  }
});

it('is still read when the key has been rotated, and not without the old one', async () => {
  const { ledger, with: withKeys } = open();
  await ledger.append(entry(1));
  const rotated = withKeys([OTHER, KEY]);
  await rotated.append(entry(2));
  expect(await collect(rotated.entries())).toHaveLength(2);
  await expect(collect(withKeys([OTHER]).entries())).rejects.toMatchObject({ code: 'ledger_key_unknown', position: 1 });
});

it('is not carried out, and not called broken, at an entry that a key signed which is not known here', async () => {
  const { ledger, with: withKeys } = open();
  await ledger.append(entry(1));
  await withKeys([OTHER, KEY]).append(entry(2));
  const trouble = { code: 'ledger_key_unknown', position: 2, message: expect.stringContaining('SECRET_KEY') };
  await expect(collect(ledger.entries())).rejects.toMatchObject(trouble);
  expect(await collect(withKeys([KEY, OTHER]).entries())).toHaveLength(2);
});

it('is broken at an entry whose signature does not hold for the unknown key that it names', async () => {
  const { store, ledger, with: withKeys } = open();
  const signed = await withKeys([OTHER]).append(entry(1));
  const forged = { ...signed, signature: Buffer.alloc(64, 1).toString('base64') };
  await store.put(keyOf(1), Buffer.from(JSON.stringify(forged)));
  await expect(collect(ledger.entries())).rejects.toMatchObject({ code: 'ledger_broken', position: 1 });
});

it.each([
  ['an edited entry', 2, (one: LedgerEntry) => ({ ...one, subject: ['0'.repeat(64)] })],
  [
    'an entry signed by nobody here',
    2,
    (one: LedgerEntry) => ({ ...one, signature: Buffer.alloc(64).toString('base64') }),
  ],
  ['an entry that follows another', 2, (one: LedgerEntry) => ({ ...one, prev: '1'.repeat(64) })],
])('names the position of %s', async (_title, position, forge) => {
  const { store, ledger } = open();
  for (const n of [1, 2, 3]) await ledger.append(entry(n));
  const [, second] = await collect(ledger.entries());
  await store.put(keyOf(position), Buffer.from(JSON.stringify(forge(second as LedgerEntry))));
  await expect(collect(ledger.entries())).rejects.toMatchObject({ code: 'ledger_broken', position });
});

it('is broken where it ends before what the database has carried out', async () => {
  const { ledger } = open();
  await ledger.append(entry(1));
  await expect(collect(ledger.entries(2))).rejects.toMatchObject({ code: 'ledger_broken', position: 2 });
});

it('names the position of an entry that is missing', async () => {
  const { store, ledger } = open();
  for (const n of [1, 2, 3]) await ledger.append(entry(n));
  await store.delete(keyOf(2));
  await expect(collect(ledger.entries())).rejects.toMatchObject({ position: 2 });
});
