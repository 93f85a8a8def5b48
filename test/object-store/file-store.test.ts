import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { ObjectStoreError, openObjectStore } from '../../ops/runtime/object-store';
import { collect } from '../support/collect';
import { newFolder } from '../support/environment';
import { keepsTheContract } from './contract';

const folder = join(newFolder('objects'), 'a folder that does not exist yet');
const store = openObjectStore(pathToFileURL(folder).href);
const incoming = join(folder, '.incoming');

describe('an object store in a folder', () => {
  keepsTheContract(
    () => store,
    async () => readdirSync(incoming),
  );

  test('shows no other user what it keeps', async () => {
    await store.put('private/one', Buffer.from('x'));
    expect(statSync(folder).mode & 0o077).toBe(0);
    expect(statSync(join(folder, 'private/one')).mode & 0o077).toBe(0);
  });

  test('shows no object before it is whole', async () => {
    let finish = () => {};
    const half = new Readable({ read() {} });
    half.push('half');
    finish = () => half.push(null);
    const putting = store.put('slow/one', half);
    expect(await store.has('slow/one')).toBe(false);
    expect(await collect(store.list('slow/'))).toEqual([]);
    finish();
    await putting;
    expect(await store.has('slow/one')).toBe(true);
  });

  test('removes what a killed process left half written, and nothing younger', async () => {
    mkdirSync(incoming, { recursive: true });
    const [old, young] = [join(incoming, 'old'), join(incoming, 'young')];
    const limit = new Date(Date.now() - 86_400_000);
    for (const file of [old, young]) writeFileSync(file, 'half');
    utimesSync(old, limit, new Date(limit.getTime() - 1));
    utimesSync(young, limit, limit);
    await store.tidy(limit);
    expect(readdirSync(incoming)).toEqual(['young']);
    await store.tidy(new Date(limit.getTime() + 1));
  });

  test('says why a put failed by a code alone', async () => {
    await store.put('taken', Buffer.from('x'));
    const failed = store.put('taken/below', Buffer.from('y'));
    await expect(failed).rejects.toThrow(ObjectStoreError);
    await expect(failed).rejects.not.toThrow(folder);
    expect(readdirSync(incoming)).toEqual([]);
  });

  test('is told from others by its URL', () => {
    for (const url of ['ftp://x/y', '/folder', 's3:///prefix', '']) {
      expect(() => openObjectStore(url)).toThrow(TypeError);
    }
  });
});
