// Small objects under BACKUP_URL, where somebody else may write.
import { ForeignObject, getSigned, openSignedStore, putSigned } from '../../ops/runtime/signed-store';
import { newFolder } from '../support/environment';

const [OLD, NEW] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const BACKUP_URL = `file://${newFolder('signed-store')}`;
const store = (...keys: Buffer<ArrayBuffer>[]) => openSignedStore({ BACKUP_URL, SECRET_KEY: keys });
const KEY = 'restores/one.json';
const statement = { state: 'switched', lines: 'a\nb', number: 1 };
const put = (content: string) => store(OLD).put(KEY, Buffer.from(content));
const written = async () => {
  const chunks: Buffer[] = [];
  for await (const chunk of await store(OLD).get(KEY)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};
beforeEach(() => putSigned(store(OLD), KEY, statement));

it('reads back what it has signed, with a key that has been rotated too', async () => {
  expect(await getSigned(store(OLD), KEY)).toEqual(statement);
  expect(await getSigned(store(NEW, OLD), KEY)).toEqual(statement);
  expect(await getSigned(store(OLD), 'restores/other.json')).toBeNull();
});

it.each<[string, (sound: string) => string]>([
  ['is not signed', () => JSON.stringify(statement)],
  ['is not signed', () => `${JSON.stringify(statement)}\n{}\n`],
  ['is not signed', () => ''],
  ['is not signed', () => '\n\n\n'],
  ['is not signed', (sound) => `${sound}more`],
  ['was changed', (sound) => sound.replace('switched', 'prepared')],
  ['was changed', (sound) => sound.replace(/"signature":"../, '"signature":"AA')],
  ['was changed', (sound) => sound.replace(/"publicKey":"../, '"publicKey":"AA')],
  ['was changed', (sound) => sound.replace(/"publicKey":"[^"]*"/, '"publicKey":"no key"')],
])('refuses what %s, and names it', async (why, change) => {
  await put(change(await written()));
  await expect(getSigned(store(OLD), KEY)).rejects.toThrow(new RegExp(`^restores/one\\.json under BACKUP_URL ${why}`));
});

it('refuses a sound object under the name of another', async () => {
  const sound = await written();
  await store(OLD).put('restores/two.json', Buffer.from(sound));
  await expect(getSigned(store(OLD), 'restores/two.json')).rejects.toThrow(ForeignObject);
});

it('refuses what was signed with a key that is not in SECRET_KEY, and says so', async () => {
  await expect(getSigned(store(NEW), KEY)).rejects.toThrow('is signed with a key that is not in SECRET_KEY');
});
