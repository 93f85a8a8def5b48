// What an index, a purge and a scan say of one text is the same, whatever chance puts together; the seed is in the title.
import { createScanning } from '../../activities/personal-data/matching/scanning';
import { addressesIn, mentionsOf } from '../../activities/personal-data/mentions';
import { isLongRun } from '../support/servers';
import { Chance } from '../user-erasure/races/chance';

const TEXTS = isLongRun ? 300_000 : 5_000;
const SEED = Number(process.env.COUNTERSIGN_TEST_SEED ?? Math.floor(Math.random() * 1_000_000));
const NORA = 'nora@customer.example';
const base64 = (text: string) => Buffer.from(text).toString('base64');

const PARTS = [
  ...[
    NORA,
    NORA.toUpperCase(),
    'nora',
    '@',
    'customer.example',
    'nora@custo',
    'mer.example',
    'nora%40customer%2Eexample',
  ],
  ...[
    base64(NORA),
    base64(`x${NORA}`),
    base64(base64(NORA)),
    base64(NORA).slice(0, 10),
    base64(NORA).slice(10),
    'QGFA',
  ],
  ...[
    Buffer.from(NORA).toString('hex'),
    '\\u006eora',
    '&#110;ora',
    '%6eora',
    '=6Eora',
    'nora=',
    'nora%',
    'nora&#',
    'nora\\',
  ],
  ...[
    '%40',
    '&#64;',
    '&amp;',
    '#64;',
    '\\u0040',
    '=40',
    '%25',
    '40',
    '=',
    '&commat;',
    '=\n',
    '=\r',
    '\\r\\n',
    '=\\n',
    '\r\n',
  ],
  ...[
    '.',
    "'",
    '+',
    'x',
    '/',
    '?to=',
    '漢',
    'é',
    '[erased]',
    '\\n',
    '\\\\',
    '\n',
    ' ',
    '.pdf',
    '.uk',
    '-',
    '_',
    '"',
    '<',
    '>',
  ],
];
/** What stands beside a value where the scan reads it. */
const BESIDE = ['another value =', 'another value', 'YW5vdGhlcg', '\\'];

it(`index, purge and scan agree on ${TEXTS} texts, from seed ${SEED}`, () => {
  const chance = new Chance(SEED);
  const scanning = createScanning();
  scanning.open('one', [{ email: NORA, fingerprints: [] }]);
  const isScanned = (text: string) => {
    const bytes = Buffer.from(`${chance.one(BESIDE)}\x1f\n${text}\x1f\nnext%40elsewhere.example`);
    return scanning.search('one', { bytes, from: 0, to: bytes.length }).length > 0;
  };
  const nora = mentionsOf(NORA);
  const different: string[] = [];
  let mentions = 0;
  for (let n = 0; n < TEXTS; n++) {
    const text = Array.from({ length: chance.between(1, 9) }, () => chance.one(PARTS)).join('');
    const { text: left, count } = nora.replace(text);
    const answers = [count > 0, addressesIn(text).has(NORA), isScanned(text)];
    if (new Set(answers).size > 1 || isScanned(left)) different.push(`${JSON.stringify(text)}: ${answers}`);
    if (count > 0) mentions += 1;
  }
  expect(different).toEqual([]);
  expect(mentions).toBeGreaterThan(TEXTS / 10);
});

it('a spelled at sign of a value beside it shows nothing more in a value', () => {
  const text = 'nora%=6Eora==\\n=\n40customer.example_';
  const scanning = createScanning();
  scanning.open('one', [{ email: NORA, fingerprints: [] }]);
  const bytes = Buffer.from(`${text}\x1f\nnext%40elsewhere.example`);
  const isScanned = scanning.search('one', { bytes, from: 0, to: bytes.length }).length > 0;
  expect(isScanned).toBe(mentionsOf(NORA).isIn(text));
});

it.each([`a\x1f${NORA.replace('@', '%40')}\x1fb`, `${NORA.replace('@', '&#64;')}\x1f`])(
  'finds a spelled address that fills a value whole: %j',
  (text) => {
    expect(addressesIn(text)).toEqual(new Set([NORA]));
  },
);

it.each([
  ['ada@xn--bcher-kva.example', 'Ada@BÜCHER.example'],
  ['ada@xn--bcher-kva.example', 'ada@XN--BCHER-KVA.example.'],
  ['ada@127.0.0.1', 'ada@0x7f.1.txt'],
])('the scan leaves out no spelling of the domain of %s: %j', (email, text) => {
  expect(addressesIn(text)).toContain(email);
  const scanning = createScanning();
  scanning.open(
    'one',
    [email, 'bob@elsewhere.example'].map((one) => ({ email: one, fingerprints: [] })),
  );
  const bytes = Buffer.from(text);
  expect(scanning.search('one', { bytes, from: 0, to: bytes.length })).toEqual([0]);
});
