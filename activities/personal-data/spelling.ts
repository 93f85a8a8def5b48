// An address as a pattern that any of its characters may be escaped in: for URLs, JSON, HTML, quoted-printable, in hex.

const SOFT_BREAK = '(?:=(?:[ \\t]*\\r?\\n|(?:\\\\+r)?\\\\+n))?';
const NAMED: Record<string, string> = { '@': 'commat', '.': 'period', '+': 'plus', _: 'lowbar' };

/** Of a text, in UTF-16 units. */
export interface Span {
  start: number;
  end: number;
}

export interface Spelling {
  find(text: string): Span[];
}

/** The at sign is looked for first, since it is rare, and then what stands before it. */
export function spell(address: string): Spelling {
  const at = address.lastIndexOf('@');
  const spelled = (part: string) => [...part].map(spellingsOf).join(SOFT_BREAK);
  const local = spelled(address.slice(0, at)) + SOFT_BREAK;
  const before = new RegExp(`(?<=(${local}))`, 'y');
  // Not one pattern with `before`: it would be looked for at each character of the text.
  const pattern = new RegExp(`${spelled('@')}${SOFT_BREAK}${spelled(address.slice(at + 1))}`, 'g');
  return {
    find: (text) =>
      [...text.matchAll(pattern)].flatMap(({ index, 0: match }) => {
        before.lastIndex = index;
        const part = before.exec(text)?.[1];
        return part === undefined ? [] : [{ start: index - part.length, end: index + match.length }];
      }),
  };
}

function spellingsOf(character: string): string {
  const cases = [character.toLowerCase(), character.toUpperCase()].filter((one) => [...one].length === 1);
  const spellings = [...new Set(cases)].flatMap((one) => {
    const code = one.codePointAt(0) as number;
    const units = Array.from({ length: one.length }, (_, n) => anyCase(one.charCodeAt(n).toString(16)));
    const bytes = [...Buffer.from(one)].map((byte) => anyCase(byte.toString(16).padStart(2, '0')));
    return [
      ...(units.length === 1 ? [`\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`] : [one]),
      bytes.map((byte) => `%(?:25)*${byte}`).join(''),
      bytes.map((byte) => `=${byte}`).join(SOFT_BREAK),
      bytes.map((byte) => `\\\\+x${byte}`).join(''),
      units.map((unit) => `\\\\+u\\{?0*${unit}\\}?`).join(''),
      `&(?:amp;)*#(?:0*${code}|[xX]0*${anyCase(code.toString(16))});?`,
      ...(NAMED[one] ? [`&(?:amp;)*${NAMED[one]};?`] : []),
    ];
  });
  return `(?:${spellings.join('|')})`;
}

const anyCase = (hex: string) => hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
