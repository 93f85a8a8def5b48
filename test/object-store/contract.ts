// What every object store promises.
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ObjectNotFound, type ObjectStore } from '../../ops/runtime/object-store';
import { collect } from '../support/collect';

const MIB = 1024 * 1024;

/** @param store asked for each test
 *  @param leftovers what puts that were cut off have left in the store */
export function keepsTheContract(store: () => ObjectStore, leftovers: () => Promise<unknown[]>): void {
  const textOf = async (key: string) => (await buffer(await store().get(key))).toString();

  test('gives back what was put, from bytes and from a stream', async () => {
    await store().put('contract/bytes', Buffer.from('hello'));
    await store().put('contract/stream', Readable.from([Buffer.from('hel'), Buffer.from('lo')]));
    expect([await textOf('contract/bytes'), await textOf('contract/stream')]).toEqual(['hello', 'hello']);
  });

  test('keeps an empty object', async () => {
    await store().put('contract/empty', Readable.from([]));
    expect(await textOf('contract/empty')).toBe('');
    expect(await store().has('contract/empty')).toBe(true);
  });

  test('keeps a stream of 12 MiB whole', async () => {
    const chunks = Array.from({ length: 12 }, () => randomBytes(MIB));
    await store().put('contract/large', Readable.from(chunks), { type: 'application/octet-stream' });
    expect((await buffer(await store().get('contract/large'))).equals(Buffer.concat(chunks))).toBe(true);
  });

  test('replaces an object whole when it is put again', async () => {
    await store().put('contract/again', Buffer.from('a longer first text'));
    await store().put('contract/again', Buffer.from('second'));
    expect(await textOf('contract/again')).toBe('second');
  });

  test('keeps one of two texts that are put at the same time, never a mixture', async () => {
    const texts = ['a'.repeat(MIB), 'b'.repeat(MIB)];
    await Promise.all(texts.map((text) => store().put('contract/race', Buffer.from(text))));
    expect(texts).toContain(await textOf('contract/race'));
  });

  test('says that an object is not there', async () => {
    expect(await store().has('contract/missing')).toBe(false);
    await expect(store().get('contract/missing')).rejects.toThrow(ObjectNotFound);
    await expect(store().get('contract')).rejects.toThrow(ObjectNotFound);
  });

  test('tells how many bytes each object has', async () => {
    await store().put('sizes/a', Buffer.from('four'));
    await store().put('sizes/b/c', Readable.from([Buffer.from('sixsix')]));
    expect(await collect(store().sizes('sizes/'))).toEqual([
      { key: 'sizes/a', size: 4 },
      { key: 'sizes/b/c', size: 6 },
    ]);
  });

  test('deletes an object, and minds no second time', async () => {
    await store().put('contract/gone', Buffer.from('x'));
    await store().put('contract/gone', Buffer.from('y'));
    await store().delete('contract/gone');
    await store().delete('contract/gone');
    expect(await store().has('contract/gone')).toBe(false);
    await expect(store().get('contract/gone')).rejects.toThrow(ObjectNotFound);
  });

  test('deletes nothing whose key only begins alike', async () => {
    await store().put('contract/alike', Buffer.from('x'));
    await store().put('contract/alike.2', Buffer.from('y'));
    await store().delete('contract/alike');
    expect(await store().has('contract/alike.2')).toBe(true);
  });

  test('lists the keys under a prefix in their order, and nothing else', async () => {
    const keys = ['list/a', 'list/a.b', 'list/a-b', 'list/b/2', 'list/b/10', 'list/c', 'listed'];
    for (const key of keys) await store().put(key, Buffer.from(key));
    const inOrder = (prefix: string) => keys.filter((key) => key.startsWith(prefix)).sort();
    expect(await collect(store().list('list/'))).toEqual(inOrder('list/'));
    expect(await collect(store().list('list/b'))).toEqual(inOrder('list/b'));
    expect(await collect(store().list('list'))).toEqual(inOrder('list'));
    expect(await collect(store().list('nothing/'))).toEqual([]);
    expect(await collect(store().list('list/', 'list/a-b'))).toEqual(['list/a.b', 'list/b/10', 'list/b/2', 'list/c']);
    expect(await collect(store().list('list/', 'list/b'))).toEqual(['list/b/10', 'list/b/2', 'list/c']);
    expect(await collect(store().list('list/', 'list/c'))).toEqual([]);
  });

  test('gives every version that it lists, and none of what was deleted', async () => {
    for (const key of ['kept/a', 'kept/b/1', 'kept/gone', 'keptly']) {
      await store().put(key, Buffer.from(key));
    }
    await store().delete('kept/gone');
    const versions = await collect(store().versions('kept/'));
    expect(versions.map(({ key }) => key).sort()).toEqual(['kept/a', 'kept/b/1']);
    for (const { key, version } of versions) {
      expect((await buffer(await store().get(key, version))).toString()).toBe(key);
    }
  });

  test('has no version that it did not list', async () => {
    await store().put('kept/a', Buffer.from('x'));
    await expect(store().get('kept/a', '00000000-0000-4000-8000-000000000000')).rejects.toThrow();
    await expect(store().get('kept/missing', 'null')).rejects.toThrow(ObjectNotFound);
  });

  test('leaves nothing of a stream that fails, and keeps what was there before', async () => {
    await store().put('contract/cut', Buffer.from('before'));
    const chunks = function* () {
      for (let n = 0; n < 7; n++) yield Buffer.alloc(MIB);
      throw new Error('the uploader went away');
    };
    await expect(store().put('contract/cut', Readable.from(chunks()))).rejects.toThrow('the uploader went away');
    expect(await textOf('contract/cut')).toBe('before');
    expect(await leftovers()).toEqual([]);
  });

  test('survives a stream that fails before it is read', async () => {
    const source = new Readable({ read() {} });
    const putting = store().put('contract/at-once', source);
    source.destroy(new Error('gone at once'));
    await expect(putting).rejects.toThrow('gone at once');
    expect([await store().has('contract/at-once'), await leftovers()]).toEqual([false, []]);
  });

  test.each([
    '',
    '/',
    '../up',
    'a/../b',
    'a/./b',
    'a//b',
    '/a',
    'a/',
    '.hidden',
    'a/.hidden',
    'a\\b',
    'a\0b',
    'ä',
    'a b',
  ])('refuses the key %j', async (key) => {
    await expect(store().put(key, Buffer.from('x'))).rejects.toThrow(TypeError);
    await expect(store().get(key)).rejects.toThrow(TypeError);
    await expect(store().has(key)).rejects.toThrow(TypeError);
    await expect(store().delete(key)).rejects.toThrow(TypeError);
  });

  test('refuses a prefix that leads out of the store', async () => {
    await expect(collect(store().list('../'))).rejects.toThrow(TypeError);
    await expect(collect(store().versions('../'))).rejects.toThrow(TypeError);
  });
}
