// Mentions are found in every spelling that the scan knows, and nobody else is.
import { mentionsOf } from '../../activities/personal-data/mentions';
import { scanOne, sourceOf } from '../erasure-scan/scan-one';
import { EMAIL, IDN, NEAR_MISSES, NEIGHBOURS, SPELLINGS } from '../erasure-scan/spellings';

async function scanFinds(text: string, email = EMAIL): Promise<boolean> {
  const source = sourceOf(() => [{ place: 'here', chunks: Buffer.from(text) }]);
  return (await scanOne(source, email)).findings !== 0;
}
const findMentions = (text: string, email: string) => mentionsOf(email).find(text);
const replaceMentions = (text: string, email: string) => mentionsOf(email).replace(text);

it.each(SPELLINGS)('replaces %s, and the scan finds nobody then', async (_name, spelling) => {
  const { text, count } = replaceMentions(`before ${spelling} after`, EMAIL);
  expect(count).toBe(1);
  expect(text).toMatch(/^before .*\[erased\].* after$/s);
  expect(await scanFinds(text)).toBe(false);
});

it.each(NEAR_MISSES)('leaves %s', (_name, text) => {
  expect(replaceMentions(`before ${text} after`, EMAIL)).toEqual({ text: `before ${text} after`, count: 0 });
});

it.each(NEIGHBOURS)('leaves what stands beside: %j and %j', (before, after) => {
  expect(replaceMentions(before + EMAIL + after, EMAIL)).toEqual({ text: `${before}[erased]${after}`, count: 1 });
});

it('replaces each of several and leaves the rest as it is', () => {
  const text = `${EMAIL}, x${EMAIL} and ${EMAIL.toUpperCase()}: "${encodeURIComponent(EMAIL)}"\n😀 ${EMAIL}`;
  expect(replaceMentions(text, EMAIL)).toEqual({
    text: `[erased], x${EMAIL} and [erased]: "[erased]"\n😀 [erased]`,
    count: 4,
  });
});

it('says where they are', () => {
  expect(findMentions(`to ${EMAIL}!`, EMAIL)).toEqual([{ start: 3, end: 3 + EMAIL.length }]);
  expect(findMentions('to nobody', EMAIL)).toEqual([]);
});

it.each([IDN.email, IDN.unicode])(
  'knows a domain with letters beyond ASCII in all its forms, asked for as %s',
  async (email) => {
    const { unicode } = IDN;
    const forms = [
      IDN.email,
      unicode,
      unicode.toUpperCase(),
      unicode.normalize('NFD'),
      encodeURIComponent(unicode),
      unicode.replace('ü', '&uuml;').replace('&uuml;', '&#252;').replace('ł', '\\u0142'),
    ];
    for (const form of forms) expect(replaceMentions(`<${form}>`, email)).toEqual({ text: '<[erased]>', count: 1 });
    const { text } = replaceMentions(Buffer.from(`to ${unicode} now`).toString('base64'), email);
    expect(await scanFinds(text, email)).toBe(false);
  },
);

it('keeps what base64 holds besides', () => {
  const encoded = Buffer.from(`Dear friends, ${EMAIL} wrote to us`).toString('base64');
  const { text } = replaceMentions(encoded, EMAIL);
  const [before = '', after = ''] = text.split('[erased]');
  expect(Buffer.from(before, 'base64').toString()).toMatch(/^Dear friends/);
  expect(Buffer.from(after, 'base64').toString()).toMatch(/rote to us$/);
});

it('takes a pattern’s own characters for what they are', () => {
  expect(replaceMentions('o.{x}+?y*$^@example.org o1{x}+?y*$^@example.org', 'o.{x}+?y*$^@example.org').text).toBe(
    '[erased] o1{x}+?y*$^@example.org',
  );
});
