// Undoes the escapes of URLs, quoted-printable, HTML, JSON and JavaScript in one pass, and knows where each byte came from.
// Texts are bytes of UTF-8, each a character, so that an escaped byte and a plain one are the same.

/** A text that was made of another: byte `i` stands there from `starts[i]` to `ends[i]`. */
export interface View {
  text: string;
  starts: Int32Array;
  ends: Int32Array;
}

export interface Escapes {
  percent?: boolean;
  quotedPrintable?: boolean;
}

const NAMED: Record<string, string> = {
  ...{ commat: '@', period: '.', plus: '+', lowbar: '_', hyphen: '-', dash: '-', apos: "'", num: '#', dollar: '$' },
  ...{ percnt: '%', ast: '*', sol: '/', equals: '=', quest: '?', excl: '!', amp: '&', lt: '<', gt: '>', quot: '"' },
  ...{ nbsp: ' ', grave: '`', lcub: '{', lbrace: '{', rcub: '}', rbrace: '}', verbar: '|', vert: '|' },
};
const ENTITY = /#(?:0*(\d{1,7})|[xX]0*([\da-fA-F]{1,6}));?|([a-z]{2,6});/y;
const UNICODE = /u(?:\{0*([\da-fA-F]{1,6})\}|([\da-fA-F]{4}))|x([\da-fA-F]{2})/y;
const SURROGATE = /\\+u([dD][c-fC-F][\da-fA-F]{2})/y;
const SOFT_BREAK = /=[ \t]{0,32}\r?\n/y;
const SPACES: Record<string, number> = { n: 0x0a, r: 0x0d, t: 0x09, b: 0x20, f: 0x20, v: 0x20 };

const [AMPERSAND, BACKSLASH, PERCENT, EQUALS] = [0x26, 0x5c, 0x25, 0x3d];

/** What is read is small mostly, and often: to allocate for each would take longer than to read it. */
let scratch = scratchFor(4_096);
function scratchFor(length: number) {
  return { bytes: Buffer.alloc(length), starts: new Int32Array(length), ends: new Int32Array(length) };
}

/** Returns null where nothing is escaped. Linear: each run of `\`, `amp;` or `25` is read once. */
export function undoEscapes(given: string, escapes: Escapes): View | null {
  const length = undo(given, escapes);
  if (length === null) return null;
  const { bytes, starts, ends } = scratch;
  return { text: bytes.toString('latin1', 0, length), starts: starts.slice(0, length), ends: ends.slice(0, length) };
}

/** Returns the text alone, null where nothing is escaped. */
export function withoutEscapes(given: string, escapes: Escapes): string | null {
  const length = undo(given, escapes);
  return length === null ? null : scratch.bytes.toString('latin1', 0, length);
}

/** Writes into `scratch`, and returns how much; null where nothing is escaped. */
function undo(text: string, { percent = false, quotedPrintable = false }: Escapes): number | null {
  if (scratch.bytes.length < text.length) scratch = scratchFor(text.length);
  const { bytes, starts, ends } = scratch;
  let length = 0;
  let isChanged = false;
  const put = (byte: number, from: number, to: number) => {
    bytes[length] = byte;
    starts[length] = from;
    ends[length++] = to;
  };
  const putCharacter = (code: number, from: number, to: number) => {
    isChanged = true;
    for (const byte of utf8(code)) put(byte, from, to);
  };

  for (let i = 0; i < text.length; ) {
    const code = text.charCodeAt(i);
    let end = i;
    if (code === AMPERSAND) {
      let at = i + 1;
      while (text.startsWith('amp;', at)) at += 4;
      const [whole, decimal, hex, name] = exec(ENTITY, text, at) ?? [];
      const decoded = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : NAMED[name ?? '']?.charCodeAt(0);
      if (whole !== undefined && decoded !== undefined) {
        end = at + whole.length;
        putCharacter(decoded, i, end);
      } else if (at > i + 1) {
        end = at;
        putCharacter(AMPERSAND, i, end);
      }
    } else if (code === BACKSLASH) {
      let at = i + 1;
      while (text.charCodeAt(at) === BACKSLASH) at++;
      end = undoScriptEscape(text, i, at, putCharacter);
      for (; end < at; end++) put(BACKSLASH, end, end + 1);
    } else if (code === PERCENT && percent) {
      let at = i + 1;
      while (text.startsWith('25', at) && isHexByte(text, at + 2)) at += 2;
      if (isHexByte(text, at)) {
        end = at + 2;
        put(hexByte(text, at), i, end);
        isChanged = true;
      }
    } else if (code === EQUALS && quotedPrintable) {
      if (isHexByte(text, i + 1)) {
        end = i + 3;
        put(hexByte(text, i + 1), i, end);
      } else {
        end = softBreakEnd(text, i);
      }
      isChanged ||= end > i;
    }
    if (end === i) {
      end = i + 1;
      put(code, i, end);
    }
    i = end;
  }
  return isChanged ? length : null;
}

/** @returns where the escape ends that begins at `from` with backslashes up to `at`; `from` where there is none */
function undoScriptEscape(
  text: string,
  from: number,
  at: number,
  put: (code: number, from: number, to: number) => void,
): number {
  const [whole, braced, unit, byte] = exec(UNICODE, text, at) ?? [];
  if (whole === undefined) {
    const space = SPACES[text[at] ?? ''];
    if (space === undefined) return from;
    put(space, from, at + 1);
    return at + 1;
  }
  let code = Number.parseInt(braced ?? unit ?? byte ?? '', 16);
  let end = at + whole.length;
  const low = unit && (code & 0xfc00) === 0xd800 ? exec(SURROGATE, text, end) : null;
  if (low) {
    code = 0x10000 + ((code & 0x3ff) << 10) + (Number.parseInt(low[1] as string, 16) & 0x3ff);
    end += low[0].length;
  }
  put(code, from, end);
  return end;
}

/** Returns where the line break ends that quoted-printable ignores, as it is or within JSON; `from` where there is none. */
export function softBreakEnd(text: string, from: number): number {
  const plain = exec(SOFT_BREAK, text, from);
  if (plain) return from + plain[0].length;
  const carriageReturn = escapedLetterEnd(text, from + 1, 'r');
  const end = escapedLetterEnd(text, carriageReturn, 'n');
  return end > carriageReturn ? end : from;
}

export function escapedLetterEnd(text: string, from: number, letter: string): number {
  let at = from;
  while (text.charCodeAt(at) === BACKSLASH) at++;
  return at > from && text[at] === letter ? at + 1 : from;
}

function exec(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

const HEX = Int8Array.from({ length: 256 }, (_, code) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase()),
);
const digit = (text: string, at: number) => HEX[text.charCodeAt(at) & 0xff] ?? -1;
const isHexByte = (text: string, at: number) =>
  at + 1 < text.length && digit(text, at) >= 0 && digit(text, at + 1) >= 0;
const hexByte = (text: string, at: number) => digit(text, at) * 16 + digit(text, at + 1);
const utf8 = (code: number): Iterable<number> =>
  code < 0x80 ? [code] : Buffer.from(code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd');
