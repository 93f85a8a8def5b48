// What no retention ages out below BACKUP_URL is read by the scan.
import { createObjectsSource, KEPT_BACKUP_PREFIXES } from '../../activities/erasure-scan';
import { openObjectStore } from '../../ops/runtime/object-store';
import { STORES } from '../../prisma/data-inventory';
import { newFolder } from '../support/environment';
import { scanOne } from './scan-one';

const EMAIL = 'ada@customer.example';
const FOLDERS = ['journal/', 'audit/', 'erasure-ledger/', 'restore-points/', 'restores/', 'adoptions/', 'drills/'];

it.each(FOLDERS)('finds a person in an object below %s', async (folder) => {
  const store = openObjectStore(`file://${newFolder('kept')}`);
  await store.put(`${folder}a/document.json`, Buffer.from(JSON.stringify({ problem: `no answer from ${EMAIL}` })));
  const source = createObjectsSource([{ name: 'backups', store, prefixes: KEPT_BACKUP_PREFIXES }]);
  expect(await scanOne(source, EMAIL)).toMatchObject({ findings: 1 });
});

it.each(FOLDERS)('the data inventory says what %s holds', (folder) => {
  expect(STORES.filter(({ holds }) => holds.includes(`\`${folder}`)).map(({ settings }) => settings)).toEqual([
    ['BACKUP_URL'],
  ]);
});
