// What a hostile client writes: the person in any spelling, people whose addresses resemble theirs, and what breaks parsers.
import { EMAIL, NEAR_MISSES, SPELLINGS } from '../../erasure-scan/spellings';
import type { Chance } from '../races/chance';

export const PERSON = EMAIL;
const [local, domain] = EMAIL.split('@') as [string, string];
const TIED = [`x'${EMAIL}`, `o'${EMAIL}`, `${local}+tag@${domain}`, `grace.${EMAIL}`, `x-${EMAIL}`, `_${EMAIL}`];
/** Somebody else, in text too. */
export const BYSTANDERS = [...TIED, `x${EMAIL}`, `${EMAIL}.uk`, `${local}@mail.${domain}`, `lovelace@${domain}`];
/** Whole addresses of somebody else; within a text their end would be a mention. */
export const BYSTANDERS_AS_A_WHOLE = [...BYSTANDERS, `x/${EMAIL}`, `to=${EMAIL}`, `'${EMAIL}`, `a%40${EMAIL}`];

/** The same people as texts spell them. */
const SPELLED_BYSTANDERS = [
  ...[
    'o&#39;',
    'o&#x27;',
    'o&apos;',
    'x&plus;',
    'x&#43;',
    'grace&period;',
    'x&lowbar;',
    'o%27',
    'o%2527',
    'x%2B',
    'o\\u0027',
  ].map((before) => before + EMAIL),
  ...["o'", 'grace.', 'x+', 'x'].flatMap((before) => [
    Buffer.from(before + EMAIL).toString('base64'),
    Buffer.from(` ${before}${EMAIL} `).toString('base64'),
    Buffer.from(before + EMAIL).toString('hex'),
    (before + EMAIL).replace('@', '%40'),
    (before + EMAIL).replace('@', '&#64;'),
    (before + EMAIL).replace('@', '\\u0040'),
  ]),
];

const JUNK = [
  ...[
    '\\',
    '%25',
    '&amp;',
    '=',
    '&#000',
    '@',
    '.',
    "'",
    '"',
    '<',
    '%',
    '&',
    '\\u',
    '@.',
    '=3D',
    '\t',
    '\n',
    '\r\n',
    '=\n',
  ],
  ...[
    '\\n',
    '\\ud800',
    '%00',
    '\\u0000',
    '&#0;',
    '=00',
    '\\u{110000}',
    '&#1114112;',
    '%ff%fe',
    '\u202e',
    '\u0007',
    '\ufeff',
  ],
  ...[
    '漢字',
    'é',
    'e\u0301',
    '😀',
    'İ',
    'ß',
    '\ufffd',
    '\u0000b'.slice(1),
    '{"a":"\\n',
    '<!--',
    '$&',
    '$1',
    "'; DROP TABLE drafts; --",
  ],
  ...[
    'a@',
    '@b',
    'a@b',
    'bob@elsewhere.example',
    `${'l'.repeat(64)}@x.example`,
    '40',
    '64',
    'QGFA',
    '614062',
    '\\x',
    '\\\\/',
  ],
];
const SEPARATORS = [' | ', '\n- ', ' ; ', ' "', ') ('];
const LARGE = 64 * 1024;

export interface HostileText {
  text: string;
  /** Or what stands side by side may have become one. */
  isMention: boolean;
  /** What must still be there afterwards. */
  kept: string[];
}

/** @param isLine without line breaks, and short */
export function hostileText(chance: Chance, { isLine = false, isMention = chance.is(0.25) } = {}): HostileText {
  const parts: string[] = [];
  const kept: string[] = [];
  for (let left = chance.between(isLine ? 0 : 1, isLine ? 1 : 6); left > 0; left--) {
    const part = chance.is(0.5) ? junk(chance, isLine) : somebodyElse(chance);
    parts.push(part);
    kept.push(part);
  }
  if (isMention || parts.length === 0) {
    const spelled = (chance.one(SPELLINGS) as [string, string])[1];
    parts.splice(chance.between(0, parts.length), 0, isMention ? spelled : 'nobody');
  }
  if (chance.is(0.1)) return { text: parts.join(''), isMention: isMention || parts.length > 1, kept: [] };
  const separator = isLine ? ' | ' : chance.one(SEPARATORS);
  return { text: parts.join(separator), isMention, kept };
}

const somebodyElse = (chance: Chance) =>
  chance.one([chance.one(BYSTANDERS), chance.one(SPELLED_BYSTANDERS), chance.one(NEAR_MISSES)[1] as string]);

function junk(chance: Chance, isLine: boolean): string {
  const units = Array.from({ length: chance.between(1, 3) }, () => chance.one(JUNK));
  const times = !isLine && chance.is(0.03) ? Math.ceil(LARGE / units.join('').length) : chance.between(1, 4);
  return units.join('').repeat(times);
}

/** JSON whose keys and values are hostile, beside what must stay as it is. */
export function hostileJson(chance: Chance, isMention: boolean): Record<string, unknown> {
  const text = (mention = false) =>
    hostileText(chance, { isMention: mention }).text.slice(0, mention ? undefined : 500);
  const about = () => hostileText(chance, { isLine: true, isMention: true }).text;
  const free = { n: 12.5, no: null, yes: true, words: [text(), [text()]], ['__proto__']: { [text()]: text() } };
  if (!isMention) return free;
  return { ...free, [about()]: [1, { a: about() }], [about()]: about(), [`line\n${PERSON}`]: `Hello\n${PERSON}` };
}
