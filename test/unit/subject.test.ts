import { toMailAddress } from '../../activities/mail-delivery/mail-address';
import { createSubjects, formsOf, normaliseAddress } from '../../activities/personal-data/subject';

const [OLD, NEW] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const hex = (hashes: Uint8Array[]) => hashes.map((hash) => Buffer.from(hash).toString('hex'));

it.each(['Ada@Bücher.Example', 'ADA@BÜCHER.example', 'ada@xn--bcher-kva.example', 'ada@XN--BCHER-KVA.EXAMPLE'])(
  'takes %s for the same person',
  (address) => {
    const subjects = createSubjects([OLD]);
    expect(hex(subjects.hashesOf(address))).toEqual(hex(subjects.hashesOf('ada@bücher.example')));
    expect(formsOf(normaliseAddress(address))).toEqual(['ada@xn--bcher-kva.example', 'ada@bücher.example']);
  },
);

it.each([
  'Ada@Bücher.Example',
  'ada@bu\u0308cher.example',
  'Ada@xn--bcher-kva.EXAMPLE',
  "o'Neil@аррӏе.example",
  'ada@faß.example',
  'ada@ﬁ.example',
  'jösé@例え.テスト',
])('takes the address that mail to %s goes to for the same person', (address) => {
  const sent = toMailAddress(address);
  expect(sent.slice(sent.lastIndexOf('@'))).toMatch(/^@[!-~]+$/);
  expect(normaliseAddress(sent)).toBe(normaliseAddress(address));
});

it('takes others for others', () => {
  const subjects = createSubjects([OLD]);
  const all = ['ada@x.example', 'lada@x.example', 'ada@x.example.org', 'ada+1@x.example'].map(
    (one) => hex(subjects.hashesOf(one))[0],
  );
  expect(new Set(all).size).toBe(4);
});

it('hashes with every key, the active one first, so that who was known before a rotation still is', () => {
  const before = hex(createSubjects([OLD]).hashesOf('ada@x.example'));
  const after = hex(createSubjects([NEW, OLD]).hashesOf('ada@x.example'));
  expect(after).toHaveLength(2);
  expect(after[1]).toBe(before[0]);
});

it('seals what only its keys open, and notices a changed byte', () => {
  const sealed = createSubjects([OLD]).seal({ email: 'ada@x.example' });
  expect(Buffer.from(sealed).toString('latin1')).not.toContain('ada');
  expect(createSubjects([NEW, OLD]).unseal(sealed)).toEqual({ email: 'ada@x.example' });
  expect(() => createSubjects([NEW]).unseal(sealed)).toThrow('no longer holds');
  const changed = Uint8Array.from(sealed);
  changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
  expect(() => createSubjects([OLD]).unseal(changed)).toThrow();
});
