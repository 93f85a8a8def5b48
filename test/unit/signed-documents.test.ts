// Documents beside the backups, read by processes that know different keys: a manifest and a drill's report.
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { type Manifest, manifestKey, readManifest, writeManifest } from '../../activities/backup/manifest';
import { lastProven, listReports, pruneReports, readReport, writeReport } from '../../activities/drill-reports';
import { openObjectStore } from '../../ops/runtime/object-store';
import { createSigner } from '../../ops/runtime/signing';
import type { DrillReport } from '../../workflows/contracts/restore-drill';
import { newFolder } from '../support/environment';

const [OLD, NEW] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const signer = (...keys: Buffer[]) => createSigner(keys, 'backups');
const store = openObjectStore(pathToFileURL(newFolder('signed')).href);
const manifest: Manifest = {
  format: 1,
  id: '20260101T180000Z',
  kind: 'full',
  startedAt: '2026-01-01T18:00:00.000Z',
  finishedAt: '2026-01-01T18:01:00.000Z',
  release: '0.1.0',
  schema: '',
  audit: null,
  ledger: 0,
  rows: {},
  postgres: null,
  redis: null,
  files: null,
};

it('has a reason of its own for a manifest by a key that is not known here, and reads it once the key is listed', async () => {
  await writeManifest(store, signer(NEW, OLD), manifest);
  await expect(readManifest(store, signer(OLD), manifest.id)).rejects.toMatchObject({ reason: 'unknown_key' });
  expect(await readManifest(store, signer(OLD, NEW), manifest.id)).toEqual(manifest);
});

it('calls a manifest forged if its signature does not hold for the unknown key that it names', async () => {
  const { sign, ...others } = signer(NEW);
  const forger = { ...others, sign: () => sign('something else') };
  await writeManifest(store, forger, manifest);
  await expect(readManifest(store, signer(OLD), manifest.id)).rejects.toMatchObject({ reason: 'signature' });
});

it.each([
  ['is nested deeply', `${'[{"a":'.repeat(20_000)}0${'}]'.repeat(20_000)}`],
  ['holds half a character', '"\\ud83d"'],
  ['holds a number beyond those of JavaScript', '1e400'],
])('calls a manifest and a report forged if somebody added what %s', async (_title, added) => {
  const addTo = async (key: string) => {
    const written = (await text(await store.get(key))).replace('"finishedAt"', `"added": ${added}, "finishedAt"`);
    await store.put(key, Buffer.from(written), { type: 'application/json' });
  };
  await writeManifest(store, signer(NEW), manifest);
  await addTo(manifestKey(manifest.id));
  await expect(readManifest(store, signer(NEW), manifest.id)).rejects.toMatchObject({ reason: 'signature' });
  await writeReport(store, signer(NEW), {
    id: 'b',
    outcome: 'PROVEN',
    finishedAt: '2026-01-01T19:01:00.000Z',
  } as DrillReport);
  const key = (await listReports(store)).at(-1) as string;
  await addTo(key);
  expect(await readReport(store, signer(NEW), key)).toBeNull();
  await store.delete(key);
});

it('takes no restore for proven by a report whose key is not known here', async () => {
  const report = { id: 'a', outcome: 'PROVEN', finishedAt: '2026-01-01T18:01:00.000Z' } as DrillReport;
  await writeReport(store, signer(NEW), report);
  expect(await lastProven(store, signer(OLD))).toBeNull();
  expect(await lastProven(store, signer(OLD, NEW))).toEqual(report);
});

it('forgets reports with the sets that they restored, but for the newest and the newest that proved a restore', async () => {
  for (const key of await listReports(store)) await store.delete(key);
  const reports = [
    ['a', 'PROVEN', '2026-01-04T04:00:00.000Z'],
    ['b', 'PROVEN', '2026-01-11T04:00:00.000Z'],
    ['c', 'NOT PROVEN', '2026-01-18T04:00:00.000Z'],
    ['d', 'NOT PROVEN', '2026-01-25T04:00:00.000Z'],
    ['e', 'NOT PROVEN', '2026-02-01T04:00:00.000Z'],
  ] as const;
  for (const [id, outcome, finishedAt] of reports) {
    await writeReport(store, signer(NEW), { id, outcome, finishedAt } as DrillReport);
  }
  const left = async () => (await listReports(store)).map((key) => key.slice(-6, -5)).join('');
  expect(await pruneReports(store, signer(NEW), new Date('2026-01-01T00:00:00Z'))).toBe(0);
  expect(await pruneReports(store, signer(NEW), new Date('2026-01-25T04:00:00.000Z'))).toBe(2);
  expect(await left()).toBe('bde');
  expect(await pruneReports(store, signer(NEW), new Date('2027-01-01T00:00:00Z'))).toBe(1);
  expect(await left()).toBe('be');
  expect((await lastProven(store, signer(NEW)))?.id).toBe('b');
});
