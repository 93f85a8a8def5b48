// What the scan finds, whatever it is read from.
import { createHash, randomBytes } from 'node:crypto';
import type { ScanItem, SourceReport } from '../../activities/erasure-scan';
import { REACH } from '../../activities/personal-data/matching/windows';
import { isLongRun } from '../support/servers';
import { scanAll, scanOne, sourceOf } from './scan-one';
import { BYTES, EMAIL, IDN, NEAR_MISSES, NEIGHBOURS, SPELLINGS } from './spellings';

const MIB = 1024 * 1024;
const DECOY_BYTES = `countersign-decoy-${'0'.repeat(24)}@example.com`.length;

async function scanItems(items: ScanItem[], email = EMAIL, fingerprints: string[] = []): Promise<SourceReport> {
  const report = await scanOne(
    sourceOf(() => items),
    email,
    fingerprints,
  );
  return { ...report, bytes: report.bytes - DECOY_BYTES };
}
const scanBytes = (chunks: ScanItem['chunks'], email?: string, fingerprints?: string[]) =>
  scanItems([{ place: 'here', chunks }], email, fingerprints);
const findingsIn = async (text: string, email?: string) => (await scanBytes(Buffer.from(text), email)).findings;

it.each(SPELLINGS)('finds an address: %s', async (_name, text) => {
  expect(await findingsIn(`before ${text} after`)).toBe(1);
  expect(await findingsIn(text)).toBe(1);
});

it.each(BYTES)('finds an address in bytes: %s', async (_name, bytes) => {
  const item = { place: 'here', chunks: bytes, isBinary: true };
  expect((await scanItems([item])).findings).toBe(1);
});

it.each(NEAR_MISSES)('takes %s for somebody else', async (_name, text) => {
  expect(await findingsIn(`before ${text} after`)).toBe(0);
});

it.each(NEIGHBOURS)('finds an address between %j and %j', async (before, after) => {
  expect(await findingsIn(`${before}${EMAIL}${after}`)).toBe(1);
});

it('takes a longer address in UTF-16 for somebody else', async () => {
  for (const text of [`to x${EMAIL} now`, `to ${EMAIL}.uk now`]) {
    expect((await scanBytes(Buffer.from(text, 'utf16le'))).findings).toBe(0);
    expect((await scanBytes(Buffer.from(text, 'utf16le').swap16())).findings).toBe(0);
    expect(await findingsIn(Buffer.from(text, 'utf16le').toString('base64'))).toBe(0);
  }
});

it.each([IDN.email, IDN.unicode])(
  'finds a domain with letters beyond ASCII in all its forms, asked for as %s',
  async (email) => {
    const { unicode } = IDN;
    const escaped = [...unicode].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    const forms = [
      IDN.email,
      unicode,
      unicode.toUpperCase(),
      unicode.normalize('NFD'),
      encodeURIComponent(unicode),
      escaped,
      unicode.replace('ü', '&#252;').replace('ł', '&#x142;'),
      Buffer.from(`to ${unicode}`).toString('base64'),
    ];
    for (const form of forms) expect([form, await findingsIn(`to ${form} now`, email)]).toEqual([form, 1]);
    expect((await scanBytes(Buffer.from(` ${unicode} `, 'utf16le'), email)).findings).toBe(1);
    expect(await findingsIn('to ada@bücher.example now', email)).toBe(0);
  },
);

it('finds an address with characters that mean something to a pattern', async () => {
  expect(await findingsIn('<o.{x}+?y*$^@example.org>', 'o.{x}+?y*$^@example.org')).toBe(1);
  expect(await findingsIn('<o1{x}+?y*$^@example.org>', 'o.{x}+?y*$^@example.org')).toBe(0);
});

it('finds each place of several', async () => {
  expect(await findingsIn(`${EMAIL}, ${EMAIL.toUpperCase()};${Buffer.from(` ${EMAIL}`).toString('base64')}`)).toBe(3);
});

it('finds nothing in what holds nobody', async () => {
  const report = await scanBytes(
    Buffer.concat([randomBytes(4 * MIB), Buffer.from(randomBytes(MIB).toString('base64'))]),
  );
  expect(report).toMatchObject({ items: 1, findings: 0, places: [] });
  expect(report.bytes).toBe(4 * MIB + Math.ceil(MIB / 3) * 4);
});

it('does not take an address of few letters for found in what is random', async () => {
  const noise = Buffer.from(randomBytes(3 * MIB).toString('base64'));
  expect((await scanBytes(noise, 'a@b.co')).findings).toBe(0);
  expect(await findingsIn(Buffer.from('to a@b.co now').toString('base64'), 'a@b.co')).toBe(1);
});

describe('across the borders of chunks', () => {
  async function* cutAt(bytes: Buffer, ...cuts: number[]) {
    let from = 0;
    for (const to of [...cuts, bytes.length]) {
      yield bytes.subarray(from, to);
      from = to;
    }
  }

  /** Where the first window ends, which sees what lies behind it and counts it to the second. */
  const BORDER = MIB - REACH;

  it.each(SPELLINGS)('finds once, wherever the border of a window lies: %s', async (name, text) => {
    const needle = Buffer.from(` ${text} `);
    const borders = [BORDER - needle.length + 1, BORDER - 5, BORDER];
    const turn = SPELLINGS.findIndex(([one]) => one === name) % borders.length;
    for (const at of isLongRun ? borders : borders.slice(turn, turn + 1)) {
      const bytes = Buffer.alloc(MIB + 100, '.');
      needle.copy(bytes, at);
      const { findings } = await scanBytes(cutAt(bytes, at + 3, at + needle.length - 3, MIB));
      expect([at, findings]).toEqual([at, 1]);
    }
  });

  it('finds what comes a byte at a time', async () => {
    const bytes = Buffer.from(`before ${EMAIL} after`);
    const { findings } = await scanBytes(cutAt(bytes, ...Array.from(bytes.keys()).slice(1)));
    expect(findings).toBe(1);
  });

  it('still knows somebody else there', async () => {
    for (const at of [BORDER - 20, BORDER - 1, BORDER, MIB - 10]) {
      const bytes = Buffer.alloc(MIB + 100, ' ');
      bytes.write(`x${EMAIL}`, at);
      expect((await scanBytes(cutAt(bytes, MIB))).findings).toBe(0);
    }
  });
});

describe('the hashes of the person’s content', () => {
  const raw = createHash('sha256').update('what was written').digest();
  const hash = raw.toString('hex');
  const others = Array.from({ length: 500 }, () => randomBytes(32).toString('hex'));

  it.each([
    ['hex', Buffer.from(hash)],
    ['hex in capitals', Buffer.from(hash.toUpperCase())],
    ['raw', raw],
    ['base64', Buffer.from(raw.toString('base64'))],
    ['base64, one byte before', Buffer.from(Buffer.concat([Buffer.from('a'), raw]).toString('base64'))],
    ['base64, two bytes before', Buffer.from(Buffer.concat([Buffer.from('ab'), raw]).toString('base64'))],
    ['base64 for URLs', Buffer.from(raw.toString('base64url'))],
  ])('are found as %s among many', async (_name, bytes) => {
    const around = Buffer.concat([randomBytes(100), bytes, randomBytes(100)]);
    expect((await scanBytes(around, EMAIL, [...others, hash])).findings).toBe(1);
    expect((await scanBytes(around, EMAIL, others)).findings).toBe(0);
  });

  it('are not found where one differs in its last digit', async () => {
    const other = hash.slice(0, -1) + (hash.endsWith('0') ? '1' : '0');
    expect((await scanBytes(Buffer.from(other), EMAIL, [hash])).findings).toBe(0);
  });
});

describe('the report', () => {
  it('counts bytes and items, and names each place', async () => {
    const items = Array.from({ length: 12 }, (_, n) => ({ place: `place-${n}`, chunks: Buffer.from(`<${EMAIL}>`) }));
    const report = await scanItems([...items, { place: 'clean', chunks: Buffer.from('nothing') }]);
    expect(report).toMatchObject({ source: 'test', items: 13, findings: 12, bytes: 12 * (EMAIL.length + 2) + 7 });
    expect(report.places).toEqual(items.map(({ place }) => place));
  });

  it('counts a name that holds the person, and does not repeat it', async () => {
    const report = await scanItems([
      { place: `draft-${encodeURIComponent(EMAIL)}`, chunks: Buffer.from('') },
      { place: `${EMAIL}.json`, chunks: Buffer.from('') },
    ]);
    expect(report.places).toEqual(['item 1, in its name', 'item 2, in its name']);
  });

  it('says in how many ways it looked, and beats on long ways', async () => {
    let beats = 0;
    const source = sourceOf(() => [{ place: 'one', chunks: Buffer.alloc(5 * MIB) }]);
    const fingerprints = ['ab'.repeat(32), 'cd'.repeat(32)];
    const { needles } = await scanAll([source], { email: EMAIL, fingerprints }, () => {
      beats += 1;
    });
    expect(needles).toBe(3);
    expect(beats).toBeGreaterThanOrEqual(5);
  });

  it('fails where a source can’t be read', async () => {
    // biome-ignore lint/correctness/useYield: it fails before it gives anything.
    const source = sourceOf(async function* () {
      throw new Error('away');
    });
    await expect(scanOne(source, EMAIL)).rejects.toThrow('away');
  });

  it('fails where a source does not show its decoy', async () => {
    const source = sourceOf(() => [{ place: 'one', chunks: Buffer.from('nobody') }], { isBlind: true });
    await expect(scanOne(source, EMAIL)).rejects.toMatchObject({ code: 'scan_blind_test' });
  });
});
